"""Certificate identifiers by GB/T 36903, and how numbers are written on a page."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

ARC = "1.2.156.3005.2"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "零壹贰叁肆伍陆柒捌玖"
UNITS = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "万亿")
PARTS = 10


def check_character(text: str) -> str:
    """Return the check character by ISO 7064 MOD 37,36 over digits and capital letters."""
    remainder = 36
    for character in text:
        remainder = (remainder + ALPHABET.index(character)) % 36 or 36
        remainder = remainder * 2 % 37
    return ALPHABET[(37 - remainder) % 36]


def identifier(type_code: str, issuer_code: str, serial: str, version: str = "001") -> str:
    """Return the identifier 1.2.156.3005.2.TYPE.ISSUER.SERIAL.VERSION.CHECK."""
    check = check_character(type_code + issuer_code + serial + version)
    return f"{ARC}.{type_code}.{issuer_code}.{serial}.{version}.{check}"


def is_identifier(text: str) -> bool:
    """Say whether a text has an identifier's form and its right check character."""
    parts = text.split(".")
    if len(parts) != PARTS or not text.startswith(ARC + "."):
        return False
    body, check = "".join(parts[5:9]), parts[9]
    return all(c in ALPHABET for c in body) and bool(body) and check_character(body) == check


def long_date(day: date) -> str:
    """Return a day as certificates write it: 2026年11月22日."""
    return f"{day.year}年{day.month}月{day.day}日"


def capital_amount(amount: Decimal) -> str:
    """Return an amount of yuan in Chinese capitals: 壹万贰仟叁佰肆拾伍元陆角整.

    ValueError for negative amounts, parts of a fen, and 10^16 yuan or more.
    """
    fen = amount * 100
    if amount < 0 or fen != fen.to_integral_value() or amount >= Decimal(10) ** 16:
        raise ValueError(f"not an amount to write out: {amount}")
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


def _capital_integer(number: int) -> str:
    if number == 0:
        return DIGITS[0]
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    text, gap = "", False
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if group == 0:
            gap = bool(text)
            continue
        if text and (gap or group < 1_000):  # noqa: PLR2004 (a leading zero in a group of four)
            text += DIGITS[0]
        text += _capital_group(group) + GROUPS[place]
        gap = False
    return text


def _capital_group(group: int) -> str:
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit == 0:
            gap = bool(text)
            continue
        text += (DIGITS[0] if gap else "") + DIGITS[digit] + UNITS[place]
        gap = False
    return text
