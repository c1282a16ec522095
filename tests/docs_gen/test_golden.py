from __future__ import annotations

import pytest

from tests.support.golden import FOLDER, PAGES, drawn, kept
from tests.support.office import Office

CLOSE = 0.6  # In points: what viewers and versions of poppler round otherwise.


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_every_word_stands_where_it_stood_when_somebody_looked_at_the_page(
    kind: str, office: Office
) -> None:
    seen, looked_at = drawn(office, kind), kept(kind)
    assert [(page, text) for page, *_, text in seen] == [
        (page, text) for page, *_, text in looked_at
    ]
    moved = [
        (text, now, before)
        for (_, *now, text), (_, *before, _) in zip(seen, looked_at, strict=True)
        if any(abs(a - b) > CLOSE for a, b in zip(now, before, strict=True))
    ]
    assert moved == []


def test_there_is_one_page_to_compare_with_for_each_kind_of_page() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == sorted(PAGES)
