"""Service items, and the checks of every value that people type."""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from server.errors import ServiceError

CHINA: Final = ZoneInfo("Asia/Shanghai")
MAX_TEXT = 200
ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS: Final = "10X98765432"
CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
OLDEST: Final = date(1900, 1, 1)
YEARS_AHEAD: Final = 100
_ID = re.compile(r"[0-9]{17}[0-9X]")
_CREDIT = re.compile(rf"[{CREDIT_ALPHABET}]{{18}}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"0[0-9]{2,3}-?[1-9][0-9]{6,7}")
_MONEY = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Cc control, Cf format (bidi, zero width), Cs surrogate, Co private use, Cn unassigned,
# Zl and Zp line and paragraph separators.
_BAD_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Owner(enum.StrEnum):
    """Which side fills a field in."""

    LOCAL = "local"
    JURISDICTION = "jurisdiction"


class FieldType(enum.StrEnum):
    """What a field holds."""

    TEXT = "text"
    NAME = "name"
    ADDRESS = "address"
    ID_NUMBER = "id_number"
    CREDIT_CODE = "credit_code"
    PHONE = "phone"
    DATE = "date"
    MONEY = "money"
    INTEGER = "integer"
    CHOICE = "choice"


class Mode(enum.StrEnum):
    """The three modes of cross-region handling (国办发〔2020〕35号)."""

    ONLINE = "全程网办"
    COLLECTED = "异地代收代办"
    JOINT = "多地联办"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an item's form."""

    name: str
    label: str
    owner: Owner
    type: FieldType
    required: bool = True
    personal: bool = False
    max_length: int = MAX_TEXT
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    choices: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class MaterialKind:
    """One line of an item's material list."""

    code: str
    name: str
    required: bool = True
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CertificateKind:
    """A certificate that the jurisdictions may issue, and by which authority in each."""

    kind: str
    title: str
    authorities: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Item:
    """A service item of the standard catalogue (事项), versioned."""

    code: str
    version: str
    name: str
    basis: str
    mode: Mode
    applicant: str
    jurisdictions: tuple[str, ...]
    fields: tuple[Field, ...]
    materials: tuple[MaterialKind, ...]
    certificates: tuple[CertificateKind, ...]
    promise_allowed: bool = False
    recording_required: bool = False
    promised_minutes: int = 15
    wrap_up_seconds: int = 120

    def field(self, name: str) -> Field | None:
        """Return the field of this name, if there is one."""
        return next((field for field in self.fields if field.name == name), None)

    def takes_material(self, code: str) -> bool:
        """Say whether a material of this kind belongs to the item; "other" always does."""
        return code == "other" or any(kind.code == code for kind in self.materials)

    def material_name(self, code: str) -> str:
        """Return what people call a kind of material."""
        names = {"other": "其他材料", "signature": "签名"}
        return next((k.name for k in self.materials if k.code == code), names.get(code, code))

    def certificate(self, kind: str) -> CertificateKind | None:
        """Return the certificate of this kind, if the item has it."""
        return next((found for found in self.certificates if found.kind == kind), None)


def check_value(field: Field, text: str, now: datetime) -> str:
    """Return a field's value in its one normal form, or refuse it by the field's name."""
    try:
        return _CHECKS[field.type](field, text, now)
    except ServiceError as error:
        raise ServiceError(error.code, **{"field": field.name, **error.details}) from None


def check_applicant(item: Item, given: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Return an applicant's values in their normal forms, or refuse the first one that is wrong.

    An enterprise's item needs its name and unified social credit code beside the person who acts.
    """
    checked = {
        "name": _of("name", lambda: check_name(given["name"])),
        "id_number": _of("id_number", lambda: check_id_number(given["id_number"], now)),
        "phone": _of("phone", lambda: check_phone(given["phone"])),
        "enterprise_name": "",
        "credit_code": "",
    }
    if item.applicant == "enterprise":
        checked["enterprise_name"] = check_text(given["enterprise_name"], "enterprise_name")
        checked["credit_code"] = _of("credit_code", lambda: check_credit_code(given["credit_code"]))
    return checked


def _of(field: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except ServiceError as error:
        raise ServiceError(error.code, **{"field": field, **error.details}) from None


def check_text(text: str, field: str, limit: int = MAX_TEXT) -> str:
    """Return text in NFC without outer blanks; refuse what is empty, too long or not to be seen.

    Control, bidi, zero-width, private and unassigned characters are refused: none of them can be
    seen on a certificate.
    """
    normal = unicodedata.normalize("NFC", text).strip()
    if not normal:
        raise ServiceError("text.empty", field=field)
    if len(normal) > limit:
        raise ServiceError("text.too_long", field=field, limit=limit)
    bad = sorted({f"U+{ord(c):04X}" for c in normal if unicodedata.category(c) in _BAD_CATEGORIES})
    if bad:
        raise ServiceError("text.bad_characters", field=field, characters=bad)
    return normal


def check_name(text: str) -> str:
    """Return a person's name: letters and ideographs, with · or blanks between parts."""
    name = check_text(text, "name", 50).replace("•", "·").replace("・", "·").replace("‧", "·")
    bad = [c for c in name if not (unicodedata.category(c)[0] in "LM" or c in "· .'-〇")]
    if bad:
        raise ServiceError("text.bad_characters", characters=sorted(set(bad)))
    return name


def check_id_number(text: str, now: datetime) -> str:
    """Return a resident ID number (GB 11643), its check character in upper case.

    Its date must exist and not lie ahead; its region code may be a retired one.
    """
    number = unicodedata.normalize("NFKC", text).strip().upper()
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
    """Return a unified social credit code (GB 32100) in upper case."""
    code = unicodedata.normalize("NFKC", text).strip().upper()
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
    """Return a mainland mobile or landline number, without blanks and +86."""
    phone = re.sub(r"[\s]", "", unicodedata.normalize("NFKC", text)).removeprefix("+86")
    if not (_MOBILE.fullmatch(phone) or _LANDLINE.fullmatch(phone)):
        raise ServiceError("phone.malformed")
    return phone


def _check_short(field: Field, text: str, _now: datetime) -> str:
    return check_text(text, field.name, field.max_length)


def _check_date(_field: Field, text: str, now: datetime) -> str:
    given = text.strip().replace("/", "-").replace("年", "-").replace("月", "-").removesuffix("日")
    parts = given.split("-")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts):  # noqa: PLR2004 (year, month, day)
        given = f"{parts[0]}-{parts[1]:0>2}-{parts[2]:0>2}"
    if not _DATE.fullmatch(given):
        raise ServiceError("date.malformed")
    try:
        day = date.fromisoformat(given)
    except ValueError:
        raise ServiceError("date.impossible") from None
    if (
        not OLDEST
        <= day
        <= now.astimezone(CHINA).date().replace(day=1).replace(year=now.year + 100)
    ):
        raise ServiceError("date.out_of_range")
    return given


def _check_money(field: Field, text: str, _now: datetime) -> str:
    given = unicodedata.normalize("NFKC", text).strip().removeprefix("¥").replace(",", "")
    if not _MONEY.fullmatch(given):
        raise ServiceError("money.malformed")
    return str(_in_range(field, given, "money").quantize(Decimal("0.01")))


def _check_integer(field: Field, text: str, _now: datetime) -> str:
    given = unicodedata.normalize("NFKC", text).strip()
    if not (given.isascii() and given.isdigit() and len(given) <= 12):  # noqa: PLR2004 (digits)
        raise ServiceError("number.malformed")
    return str(int(_in_range(field, given, "number")))


def _in_range(field: Field, text: str, noun: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ServiceError(f"{noun}.malformed") from None
    low, high = field.minimum, field.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise ServiceError(f"{noun}.out_of_range", minimum=str(low), maximum=str(high))
    return value


def _check_choice(field: Field, text: str, _now: datetime) -> str:
    if text.strip() not in field.choices:
        raise ServiceError("choice.unknown", choices=list(field.choices))
    return text.strip()


_CHECKS: Final[Mapping[FieldType, Callable[[Field, str, datetime], str]]] = {
    FieldType.TEXT: _check_short,
    FieldType.ADDRESS: _check_short,
    FieldType.NAME: lambda _field, text, _now: check_name(text),
    FieldType.ID_NUMBER: lambda _field, text, now: check_id_number(text, now),
    FieldType.CREDIT_CODE: lambda _field, text, _now: check_credit_code(text),
    FieldType.PHONE: lambda _field, text, _now: check_phone(text),
    FieldType.DATE: _check_date,
    FieldType.MONEY: _check_money,
    FieldType.INTEGER: _check_integer,
    FieldType.CHOICE: _check_choice,
}


def mask_id_number(number: str) -> str:
    """Return an ID number as most screens show it: 3415**********000X."""
    return f"{number[:4]}{'*' * 10}{number[-4:]}"


def mask_phone(phone: str) -> str:
    """Return a phone number with its middle hidden: 138****0000."""
    return f"{phone[:3]}{'*' * max(len(phone) - 7, 0)}{phone[-4:]}"


def mask_name(name: str) -> str:
    """Return a name with all but its first character hidden: 张*."""
    return name[:1] + "*" * max(len(name) - 1, 1)


def mask_value(field: Field, value: str) -> str:
    """Return a personal field's value as most screens show it."""
    match field.type:
        case FieldType.ID_NUMBER:
            return mask_id_number(value)
        case FieldType.PHONE:
            return mask_phone(value)
        case FieldType.NAME:
            return mask_name(value)
        case _:
            return value[:3] + "*" * max(len(value) - 3, 1)
