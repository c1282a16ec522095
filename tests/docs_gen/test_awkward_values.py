from __future__ import annotations

from tests.support.awkward import judge_values
from tests.support.foreign import foreign_parts
from tests.support.office import Office
from tests.support.updates import Update, stream_of

MANY, ONE_IN = 2_000, 14


def test_awkward_values_are_refused_by_name_or_on_a_genuine_page_with_nothing_foreign(
    office: Office,
) -> None:
    found = judge_values(office, MANY, 4, one_in=ONE_IN)
    assert found["judged"] >= MANY
    assert found["refused"] > MANY // 3
    assert found["drawn"] > 20


def test_what_is_foreign_is_found(issued: bytes) -> None:
    def changed(body: bytes) -> list[str]:
        update = Update(issued)
        update.add(body)
        return foreign_parts(update.written())

    assert foreign_parts(issued) == []
    for body in (
        b"<</S /URI /URI (http://192.0.2.1)>>", b"[<</A <</S /JavaScript /JS (x)>>>>]",
        b"<</Type /Annot /Subtype /Text>>", stream_of(b"", b"/Type /XObject /Subtype /Image"),
    ):  # fmt: skip
        assert changed(body)
    update = Update(issued)
    shown = update.add(stream_of(b"q BI /W 1 /H 1 ID x EI Q"))
    update.change(update.page, Contents=b"%d 0 R" % shown)
    assert foreign_parts(update.written()) == ["an image in the page"]
