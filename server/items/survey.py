"""What can be wrong with the items of regions.toml beyond the shape of each table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from server.errors import ServiceError
from server.items.messages import FieldPart, ItemPart
from server.items.rules import (
    APPLICANT,
    ENTERPRISE,
    Field,
    FieldType,
    Item,
    Page,
    check_credit_code,
)
from server.items.values import MAX_NAME
from server.regions.document import EACH, Document, show
from server.regions.places import Key
from server.regions.rules import Authority, Catalogue

Pages = Mapping[str, Page]  # By kind of certificate.

LARGEST: Final = Decimal(999_999_999_999)  # What a field's check reads has at most 12 digits.
_CENT: Final = Decimal("0.01")
# The first belong to every case, the others are what pages call their issuer and their last day.
_TAKEN_FIELDS: Final = frozenset([*APPLICANT, *ENTERPRISE, "issuer", "valid_until"])
_TAKEN_MATERIALS: Final = frozenset({"other", "signature"})
_ONE_TABLE, _ONE_FIELD = 2, 4
_NAMES: Final = (
    (("items", EACH, "fields", EACH, "name"), _ONE_TABLE),
    (("items", EACH, "materials", EACH, "code"), _ONE_TABLE),
    (("items", EACH, "certificates", EACH, "kind"), _ONE_TABLE),
    (("items", EACH, "jurisdictions", EACH), _ONE_TABLE),
    (("items", EACH, "fields", EACH, "choices", EACH), _ONE_FIELD),
    (("items", EACH, "fields", EACH, "columns", EACH, "label"), _ONE_FIELD),
    (("recognition", EACH, "kinds", EACH), _ONE_TABLE),
)
_NUMBERS: Final = (FieldType.MONEY, FieldType.INTEGER)
_WRITTEN: Final = (*_NUMBERS, FieldType.DATE)  # Pages write them otherwise than they are kept.
_TYPES_WITH: Final = {
    "minimum": _NUMBERS,
    "maximum": _NUMBERS,
    "earliest": (FieldType.DATE,),
    "latest": (FieldType.DATE,),
    "not_before": (FieldType.DATE,),
    "choices": (FieldType.CHOICE,),
    "columns": (FieldType.TABLE,),
    "max_rows": (FieldType.TABLE,),
    "max_length": (FieldType.TEXT, FieldType.NAME, FieldType.ADDRESS),
}


def survey_items(document: Document, catalogue: Catalogue) -> dict[int, ItemPart]:
    """Return the items that fit their shape, by their place; note every fault in the document."""
    parts = document.fit_each(ItemPart, "items")
    for steps, within in _NAMES:
        document.require_unique(document.select(*steps), within)
    document.require_unique(
        (("items", place, "version"), f"{part.code} {part.version}")
        for place, part in parts.items()
    )
    for place, part in parts.items():
        for at, field in enumerate(part.fields):
            _check_field(document, ("items", place, "fields", at), field)
        _check_sequence(document, ("items", place), part)
        _check_offices(document, catalogue, ("items", place), part)
        _check_reviews(document, ("items", place), part)
    for key, code in document.select("items", EACH, "materials", EACH, "code"):
        if isinstance(code, str) and code in _TAKEN_MATERIALS:
            document.fault(key, f"expected a code that is not every case's; found {show(code)}")
    _check_recognition(document)
    _check_codes(document)
    return parts


def check_pages(
    document: Document, catalogue: Catalogue, place: int, item: Item, pages: Pages
) -> None:
    """Note a fault for a certificate without a page, or whose form or authority is not for it."""
    for at, certificate in enumerate(item.certificates):
        key = ("items", place, "certificates", at, "kind")
        page = pages.get(certificate.kind)
        if page is None:
            known = ", ".join(sorted(pages))
            document.fault(key, f"expected one of {known}; found {show(certificate.kind)}")
            continue
        _check_form(document, key, item, page)
        for code, authority in certificate.authorities.items():
            office = _authority(catalogue, code, authority)
            if office is not None and office.department not in page.departments:
                fitting = " or ".join(sorted(page.departments))
                document.fault(
                    (*key[:-1], "authorities", code),
                    f"expected an authority whose department is {fitting}, for no other issues"
                    f" {certificate.kind}; found {show(authority)}, whose department is"
                    f" {show(office.department)}",
                )


def _check_form(document: Document, key: Key, item: Item, page: Page) -> None:
    longest = item.longest
    for name, limit in page.longest.items():
        if name not in longest:
            document.fault(key, f"expected a required field {name}, which its page needs")
        elif longest[name] > limit:
            what = "rows" if name in page.tables else "characters"
            document.fault(
                key,
                f"expected a field {name} of at most {limit} {what}, which is what its"
                f" page takes; found {longest[name]}",
            )
    for name, columns in page.tables.items():
        field = item.field(name)
        if field is not None and not _fits(field, columns):
            expected = ", ".join(f"{form} ({limit})" for form, limit in columns)
            document.fault(key, f"expected a table {name} with the columns of its page: {expected}")


def _fits(field: Field, columns: Sequence[tuple[str, int]]) -> bool:
    """Say whether every cell that a table may hold can be written in its column of the page."""
    cells = [field.cell(place) for place in range(len(field.columns))]
    return len(cells) == len(columns) and all(
        cell.longest <= limit and form in ({cell.type} if cell.type in _WRITTEN else {"text"})
        for cell, (form, limit) in zip(cells, columns, strict=True)
    )


def _authority(catalogue: Catalogue, code: str, authority_id: str) -> Authority | None:
    region = catalogue.regions.get(code)
    offices = () if region is None else region.authorities
    return next((one for one in offices if one.id == authority_id), None)


def _check_field(document: Document, key: Key, field: FieldPart) -> None:
    if field.name in _TAKEN_FIELDS:
        document.fault((*key, "name"), f"expected a name of its own; found {show(field.name)}")
    _check_limits(document, key, field)
    if field.type is FieldType.CHOICE and not field.choices:
        document.fault((*key, "choices"), "expected at least one choice; found none")
    if field.type is FieldType.TABLE:
        _check_table(document, key, field)
    if field.type in _NUMBERS:
        _check_numbers(document, key, field)
    if (
        isinstance(field.earliest, date)
        and isinstance(field.latest, date)
        and field.latest < field.earliest
    ):
        document.fault((*key, "latest"), f"expected {field.earliest} or later")


def _check_limits(document: Document, key: Key, field: FieldPart) -> None:
    for limit, types in _TYPES_WITH.items():
        if limit in field.model_fields_set and field.type not in types:
            document.fault(
                (*key, limit), f"expected it with type {', '.join(types)} only; found {field.type}"
            )
    longest = field.max_length if "max_length" in field.model_fields_set else 0
    if field.type is FieldType.NAME and longest > MAX_NAME:
        expected = f"expected 1 to {MAX_NAME} for a name; found {longest}"
        document.fault((*key, "max_length"), expected)


def _check_table(document: Document, key: Key, field: FieldPart) -> None:
    if not field.columns:
        document.fault((*key, "columns"), "expected at least one column; found none")
    if field.personal:
        document.fault((*key, "personal"), "expected false, for tables are shown whole; found true")
    for at, column in enumerate(field.columns):
        if column.type in {FieldType.TABLE, FieldType.CHOICE}:
            document.fault(
                (*key, "columns", at, "type"), f"expected a type of one cell; found {column.type}"
            )


def _check_numbers(document: Document, key: Key, field: FieldPart) -> None:
    step, what = (1, "a whole number") if field.type is FieldType.INTEGER else (_CENT, "cents")
    low = 0 if field.minimum is None else field.minimum
    for name, limit, least in (("minimum", field.minimum, 0), ("maximum", field.maximum, low)):
        if limit is None:
            continue
        if not least <= limit <= LARGEST:
            document.fault((*key, name), f"expected {least} to {LARGEST}; found {limit}")
        elif limit % step:
            document.fault((*key, name), f"expected {what}; found {limit}")


def _check_sequence(document: Document, key: Key, part: ItemPart) -> None:
    """A date may follow another date of the same form."""
    dates = [field.name for field in part.fields if field.type is FieldType.DATE]
    for at, field in enumerate(part.fields):
        others = [name for name in dates if name != field.name]
        if field.not_before and field.not_before not in others:
            known = f"one of the dates {', '.join(others)}" if others else "no such key, or a date"
            document.fault(
                (*key, "fields", at, "not_before"),
                f"expected {known}; found {show(field.not_before)}",
            )


def _check_offices(document: Document, catalogue: Catalogue, key: Key, part: ItemPart) -> None:
    known = [code for _, code in document.select("regions", EACH, "code")]
    for at, code in enumerate(part.jurisdictions):
        if code not in known:
            document.fault(
                (*key, "jurisdictions", at), f"expected the code of a region; found {show(code)}"
            )
    for at, certificate in enumerate(part.certificates):
        place = (*key, "certificates", at, "authorities")
        for code in part.jurisdictions:
            if code not in certificate.authorities:
                document.fault(place, f"expected an authority for {code}; found none")
        for code, authority in certificate.authorities.items():
            expected = _office_expected(catalogue, part, code, authority)
            if expected:
                document.fault((*place, code), f"expected {expected}; found {show(authority)}")


def _check_reviews(document: Document, key: Key, part: ItemPart) -> None:
    """A review is asked for always, or above a number that every complete case has."""
    numbers = {one.name: one for one in part.fields if one.type in _NUMBERS and one.required}
    for at, certificate in enumerate(part.certificates):
        place, review = (*key, "certificates", at, "review"), certificate.review
        if review is None:
            continue
        if part.promise_allowed:
            what = f"expected false, for a promise would go round the review of {certificate.kind}"
            document.fault((*key, "promise_allowed"), f"{what}; found true")
        given = review.model_fields_set
        if given == {"always"} and review.always:
            continue
        if given != {"field", "above"} or review.above is None:
            document.fault(place, "expected always = true alone, or field and above")
        elif review.field not in numbers:
            known = f"one of the required numbers {', '.join(numbers)}" if numbers else "always"
            document.fault((*place, "field"), f"expected {known}; found {show(review.field)}")
        else:
            _check_limit(document, (*place, "above"), numbers[review.field], review.above)


def _check_limit(document: Document, key: Key, field: FieldPart, above: Decimal) -> None:
    """Note a fault for a limit that no number of the field is above, or that it cannot have."""
    most = LARGEST if field.maximum is None else field.maximum
    step, what = (1, "a whole number") if field.type is FieldType.INTEGER else (_CENT, "cents")
    if not 0 <= above < most:
        document.fault(key, f"expected 0 or more, and less than {most}; found {above}")
    elif above % step:
        document.fault(key, f"expected {what}; found {above}")


def _office_expected(catalogue: Catalogue, part: ItemPart, code: str, authority: str) -> str:
    """Say what should stand in place of an authority; a region that is not right says so itself."""
    if code not in part.jurisdictions:
        return "nothing, for it is not among the jurisdictions"
    if code not in catalogue.regions or _authority(catalogue, code, authority):
        return ""
    return f"an authority of {code}"


def _issued(document: Document) -> Iterator[tuple[object, object]]:
    """Return region and kind of every certificate that some item lets a region issue."""
    for key, kind in document.select("items", EACH, "certificates", EACH, "kind"):
        for _, authorities in document.select(*key[:-1], "authorities"):
            if isinstance(authorities, Mapping):
                yield from ((region, kind) for region in authorities)


def _check_recognition(document: Document) -> None:
    issued = list(_issued(document))
    for key, kind in document.select("recognition", EACH, "kinds", EACH):
        for _, issuer in document.select(*key[:2], "issuer_region"):
            if (issuer, kind) not in issued:
                document.fault(key, f"expected a kind that {issuer} issues; found {show(kind)}")


def _check_codes(document: Document) -> None:
    """Authorities' codes are checked here because the check of a credit code is the items'."""
    for key, code in document.select("regions", EACH, "authorities", EACH, "code"):
        try:
            if isinstance(code, str) and check_credit_code(code) != code:
                document.fault(key, f"expected it in plain upper case; found {show(code)}")
        except ServiceError as error:
            what = "expected a unified social credit code (GB 32100)"
            document.fault(key, f"{what}; found {show(code)}: {error.code}")
