"""Certificate identifiers by GB/T 36903, and how numbers are written on a page."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

ARC = "1.2.156.3005.2"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "零壹贰叁肆伍陆柒捌玖"
UNITS = ("", "拾", "佰", "仟")
PARTS, ISSUER_PART, CODE_LENGTH = 10, 6, 18
FEN = Decimal("0.01")


def check_character(text: str) -> str:
    """Return the check character by ISO 7064 MOD 37,36; ValueError for any other character."""
    remainder = 36
    for character in text:
        remainder = (remainder + ALPHABET.index(character)) % 36 or 36
        remainder = remainder * 2 % 37
    return ALPHABET[(37 - remainder) % 36]


def identifier(type_code: str, issuer_code: str, serial: str, version: str = "001") -> str:
    """Return the identifier 1.2.156.3005.2.TYPE.ISSUER.SERIAL.VERSION.CHECK.

    ValueError for a part that is empty or has other characters than digits and capital letters.
    """
    if not all((type_code, issuer_code, serial, version)):
        raise ValueError("an identifier has no empty part")
    check = check_character(type_code + issuer_code + serial + version)
    return f"{ARC}.{type_code}.{issuer_code}.{serial}.{version}.{check}"


def is_identifier(text: str) -> bool:
    """Say whether a text has an identifier's form and its right check character."""
    parts = text.split(".")
    if len(parts) != PARTS or not text.startswith(ARC + ".") or not all(parts):
        return False
    body, check = "".join(parts[5:9]), parts[9]
    return all(c in ALPHABET for c in body) and check_character(body) == check


def issuer_code(text: str) -> str:
    """Return whose an identifier is: the issuer's unified social credit code."""
    return text.split(".")[ISSUER_PART]


def long_date(day: date) -> str:
    """Return a day as certificates write it: 2026年11月22日."""
    return f"{day.year}年{day.month}月{day.day}日"


def plain_amount(amount: Decimal) -> str:
    """Return an amount of yuan in digits: 12,345.60; ValueError as `capital_amount` raises it."""
    _require_amount(amount)
    return f"{amount:,.2f}"


def capital_amount(amount: Decimal) -> str:
    """Return an amount of yuan in Chinese capitals: 壹万贰仟叁佰肆拾伍元陆角整.

    ValueError for what is no number, negative amounts, parts of a fen, and 10^16 yuan or more.
    """
    _require_amount(amount)
    fen = amount.quantize(FEN) * 100
    yuan, rest = divmod(int(fen), 100)
    jiao, last = divmod(rest, 10)
    text = f"{_capital_integer(yuan)}元" if yuan or not rest else ""
    if not rest:
        return text + "整"
    if jiao:
        text += DIGITS[jiao] + "角"
    elif yuan:
        text += DIGITS[0]
    return text + (DIGITS[last] + "分" if last else "整")


def _require_amount(amount: Decimal) -> None:
    if not amount.is_finite() or not 0 <= amount < Decimal(10) ** 16 or amount % FEN:
        raise ValueError(f"not an amount to write out: {amount}")


def _capital_integer(number: int) -> str:
    for size, unit in ((100_000_000, "亿"), (10_000, "万")):
        if number >= size:
            high, low = divmod(number, size)
            text = _capital_integer(high) + unit
            if not low:
                return text
            return text + (DIGITS[0] if low < size // 10 else "") + _capital_integer(low)
    return _capital_group(number)


def _capital_group(group: int) -> str:
    """Return a number below ten thousand, zeros inside it written once."""
    if group == 0:
        return DIGITS[0]
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit == 0:
            gap = bool(text)
            continue
        text += (DIGITS[0] if gap else "") + DIGITS[digit] + UNITS[place]
        gap = False
    return text
