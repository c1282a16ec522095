"""Personal values as most screens show them: enough to tell people apart, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from server.items.rules import Field, FieldType


def mask_id_number(number: str) -> str:
    """Return an ID number as most screens show it: 3415**********000X."""
    return _mask(number, 4, 4)


def mask_phone(phone: str) -> str:
    """Return a phone number with its middle hidden: 138****0000."""
    return _mask(phone, 3, 4)


def mask_name(name: str) -> str:
    """Return a name with all but its first character hidden: 张*."""
    return _mask(name, 1, 0)


def mask_words(text: str) -> str:
    """Return text with all hidden but its first third, of which at most 3 characters show."""
    return _mask(text, min(3, len(text) // 3), 0)


def mask_value(field: Field, value: str) -> str:
    """Return a personal field's value as most screens show it."""
    masks: Mapping[FieldType, Callable[[str], str]] = {
        FieldType.ID_NUMBER: mask_id_number,
        FieldType.PHONE: mask_phone,
        FieldType.NAME: mask_name,
    }
    return masks.get(field.type, mask_words)(value)


def _mask(text: str, first: int, last: int) -> str:
    """Return text with its middle hidden, or all of it where nothing would be."""
    hidden = len(text) - first - last
    if hidden < 1:
        return "*" * len(text)
    return text[:first] + "*" * hidden + text[first + hidden :]
