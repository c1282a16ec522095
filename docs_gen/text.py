"""What people typed, before it is drawn: one normal form, and nothing in it that is not seen."""

from __future__ import annotations

import unicodedata

# How a case keeps a table: as spreadsheets copy it, a line a row and tabs between its cells.
ROW, CELL = "\n", "\t"
LAST_RARE = "\U0003fffd"
# Control, format (bidi, zero width), surrogate, private, unassigned, line and paragraph separator.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def normal(text: str) -> str:
    """Return a text in Unicode's form NFC; ValueError names a character that cannot be seen."""
    for character in text:
        if is_unseen(character):
            raise ValueError(f"a character that cannot be seen: U+{ord(character):04X}")
    return unicodedata.normalize("NFC", text)


def is_unseen(character: str) -> bool:
    """Say whether a character leaves no mark of its own, or changes the order of others.

    Planes 2 and 3 are ideographs throughout, those included that Python's tables do not know yet.
    """
    return unicodedata.category(character) in UNSEEN and not "\U00020000" <= character <= LAST_RARE
