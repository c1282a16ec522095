"""The checks of what people type, whatever form it is on: text, names, numbers with a check digit.

As pure as `rules`, which builds on it: the standard library and the errors only, and no clock.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from server.errors import ServiceError

CHINA: Final = ZoneInfo("Asia/Shanghai")
MAX_TEXT: Final = 200
MAX_NAME: Final = 50
ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS: Final = "10X98765432"
CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
OLDEST: Final = date(1900, 1, 1)
LISTED: Final = 20
_ID = re.compile(r"[0-9]{17}[0-9X]")
_CREDIT = re.compile(rf"[{CREDIT_ALPHABET}]{{18}}")
_PHONE_SIGNS = re.compile(r"[ ()‐–—-]")
_COUNTRY = re.compile(r"(?:\+|00)86")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"(0(?:10|2[0-9]|[3-9][0-9]{2}))([1-9][0-9]{6,7})")
_BLANKS = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
# Cc control, Cf format (bidi, zero width), Cs surrogate, Co private use, Cn unassigned,
# Zl and Zp line and paragraph separators.
_BAD_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Of other categories and yet not to be seen: joiners, fillers, variation selectors, and the signs
# that stand for what could not be read.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufffc\ufffd"
    "\U000e0100-\U000e01ef]"
)
# Planes 2 and 3 are ideographs throughout, those included that our Unicode tables do not know yet.
_RARE: Final = "\U00020000-\U0002fffd\U00030000-\U0003fffd"
_RARE_IDEOGRAPH = re.compile(f"[{_RARE}]")
_PADDED = re.compile(f"(?<=[\u3400-\u9fff{_RARE}]) (?=[\u3400-\u9fff{_RARE}])")
# What keyboards offer for the dot between the parts of a name, and the blanks around it.
_DOTS = re.compile(r" ?[·•‧∙⋅・･．] ?")
_NAME_SIGNS: Final = frozenset("· .'’-")


@dataclass(frozen=True, slots=True)
class ReviewRule:
    """When a certificate is put before a second clerk: always, or above a number of the form."""

    field: str = ""
    above: Decimal = Decimal(0)

    def asks(self, values: Mapping[str, str]) -> bool:
        """Say whether these values ask for it; a number that is lacking or cannot be read does."""
        try:
            return not self.field or Decimal(values.get(self.field, "")) > self.above
        except InvalidOperation:
            return True


def check_text(text: str, field: str, limit: int = MAX_TEXT) -> str:
    """Return text in NFC, its blanks single and none outside; refuse what is empty or too long.

    Control, bidi, zero-width, private and unassigned characters are refused: none of them can be
    seen on a certificate.
    """
    normal = _BLANKS.sub(" ", unicodedata.normalize("NFC", text)).strip(" \t\r\n")
    if not normal:
        raise ServiceError("text.empty", field=field)
    if len(normal) > limit:
        raise ServiceError("text.too_long", field=field, limit=limit)
    _refuse_unseen(normal, field)
    return normal


def check_prose(text: str, field: str, limit: int, *, required: bool = False) -> str:
    """Return what people write in their own words: lines as `check_text` has them.

    Refuses text.too_long over the whole, whatever `check_text` refuses in a line, and text.empty
    only where it is required.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    prose = "\n".join(check_text(line, field, limit) for line in lines)
    if required and not prose:
        raise ServiceError("text.empty", field=field)
    if len(prose) > limit:
        raise ServiceError("text.too_long", field=field, limit=limit)
    return prose


def _refuse_unseen(text: str, field: str) -> None:
    bad = (c for c in text if _UNSEEN.match(c) or unicodedata.category(c) in _BAD_CATEGORIES)
    _refuse_characters((c for c in bad if not _RARE_IDEOGRAPH.match(c)), field)


def _refuse_characters(bad: Iterable[str], field: str) -> None:
    if listed := sorted({f"U+{ord(c):04X}" for c in bad}):
        raise ServiceError("text.bad_characters", field=field, characters=listed[:LISTED])


def check_name(text: str, field: str = "name", limit: int = MAX_NAME) -> str:
    """Return a person's name: letters and ideographs, with · or blanks between parts.

    The dots that keyboards offer become ·, and the blank that fills up a name of two ideographs
    goes. Refuses text.bad_characters for digits and signs, and for a dot that parts nothing.
    """
    name = _PADDED.sub("", _DOTS.sub("·", check_text(text, field, limit)))
    _refuse_characters((c for c in name if not _may_be_in_names(c)), field)
    for part in name.split("·"):
        if not part or not _is_letter(part[0]):
            _refuse_characters(part[:1] or "·", field)
    return name


def _is_letter(character: str) -> bool:
    """Say whether it is a letter or an ideograph; 〇 is a numeral to Unicode."""
    rare = _RARE_IDEOGRAPH.match(character) is not None
    return rare or character == "〇" or unicodedata.category(character).startswith("L")


def _may_be_in_names(character: str) -> bool:
    mark = unicodedata.category(character).startswith("M")
    return mark or character in _NAME_SIGNS or _is_letter(character)


def plain(text: str) -> str:
    """Return what a number, code or date is read from: full-width forms made plain, no blanks."""
    normal = unicodedata.normalize("NFKC", text).strip(" \t\r\n")
    _refuse_unseen(normal, "")
    return normal


def check_id_number(text: str, now: datetime) -> str:
    """Return a resident ID number (GB 11643) without blanks, its check character in upper case.

    Its date must exist and not lie ahead; its region code may be a retired one.
    """
    number = _BLANKS.sub("", plain(text)).upper()
    if not _ID.fullmatch(number):
        raise ServiceError("id_number.malformed")
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise ServiceError("id_number.bad_date") from None
    if not OLDEST <= born <= now.astimezone(CHINA).date():
        raise ServiceError("id_number.bad_date")
    if id_check_character(number[:17]) != number[17]:
        raise ServiceError("id_number.bad_check_digit")
    return number


def id_check_character(body: str) -> str:
    """Return the check character of an ID number's first 17 digits (GB 11643, mod 11)."""
    total = sum(int(digit) * weight for digit, weight in zip(body, ID_WEIGHTS, strict=True))
    return ID_CHECKS[total % 11]


def check_credit_code(text: str) -> str:
    """Return a unified social credit code (GB 32100) without blanks, in upper case."""
    code = _BLANKS.sub("", plain(text)).upper()
    if not _CREDIT.fullmatch(code):
        raise ServiceError("credit_code.malformed")
    if credit_check_character(code[:17]) != code[17]:
        raise ServiceError("credit_code.bad_check_digit")
    return code


def credit_check_character(body: str) -> str:
    """Return the check character of a credit code's first 17 characters (weights 3^i mod 31)."""
    total = sum(CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return CREDIT_ALPHABET[(31 - total % 31) % 31]


def check_phone(text: str) -> str:
    """Return a mainland number: a mobile's 11 digits, or a landline as 0512-63000000.

    Blanks, brackets, hyphens and the country's code are taken off.
    """
    given = _PHONE_SIGNS.sub("", plain(text))
    number = _COUNTRY.sub("", given) if _COUNTRY.match(given) else given
    if _MOBILE.fullmatch(number):
        return number
    if number != given:
        number = f"0{number.removeprefix('0')}"  # Written with +86, the area code loses its 0.
    landline = _LANDLINE.fullmatch(number)
    if landline is None:
        raise ServiceError("phone.malformed")
    return "-".join(landline.groups())
