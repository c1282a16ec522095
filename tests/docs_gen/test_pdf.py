from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from pypdf import PdfReader

from docs_gen.fonts import SERIF, load_fonts
from docs_gen.page import Words
from docs_gen.pdf import Document, Field, Said
from tests.support.office import NOW, tool

AWKWARD = ("(a) \\ b)", "<&\"'>", "霍邱 (演示)", "𠮷", "")


def document(said: Said, pages: int = 1) -> Document:
    begun = Document(said, (200.0, 100.0))
    for _ in range(pages):
        words = Words(begun.canvas, load_fonts())
        words.write((10, 10), "霍邱县", SERIF, 10)
        words.close()
        begun.canvas.showPage()
    return begun


FIELD = Field("Seal", 1, (10, 10, 50, 50), "霍邱 (演示)", "a) reason", NOW)
SAID = Said("标题", "谁", "1.2", NOW)


@pytest.mark.parametrize("words", AWKWARD)
def test_what_a_document_says_of_itself_is_read_as_it_was_said(words: str, tmp_path: Path) -> None:
    path = tmp_path / "said.pdf"
    path.write_bytes(document(Said(words, words, words, NOW)).unsigned())
    reader = PdfReader(path)
    assert reader.metadata is not None
    assert (reader.metadata.title or "") == words
    assert (reader.metadata.subject or "") == words
    assert reader.metadata.creation_date == NOW
    xmp = reader.xmp_metadata
    assert xmp is not None
    assert xmp.dc_title == {"x-default": words}
    assert xmp.dc_language == ["zh-CN"]


def test_a_document_without_a_moment_bears_no_date() -> None:
    content = document(dataclasses.replace(SAID, moment=None)).unsigned()
    assert b"Date" not in content


def test_the_signature_covers_all_but_its_own_place() -> None:
    place = document(SAID, 2).with_place(FIELD, 100)
    content = place.filled(b"\xab" * 60)
    start = content.index(b"/ByteRange [") + len(b"/ByteRange [")
    zero, first, second, left = map(int, content[start : content.index(b"]", start)].split())
    assert (zero, second + left) == (0, len(content))
    assert content[first:second] == b"<" + b"AB" * 60 + b"0" * 80 + b">"
    assert content[:first] + content[second:] == place.before + place.after


def test_a_signature_that_has_no_room_is_refused() -> None:
    place = document(SAID, 2).with_place(FIELD, 100)
    with pytest.raises(ValueError, match="101 bytes"):
        place.filled(bytes(101))


def test_qpdf_finds_nothing_wrong_with_either_kind_of_file(tmp_path: Path) -> None:
    signed = document(SAID, 3).with_place(FIELD, 100).filled(bytes(100))
    for content in (document(SAID, 3).unsigned(), signed):
        said = tool(tmp_path, content, "qpdf", "--check", "page.pdf")
        assert "No syntax or stream encoding errors found" in said


def test_the_field_lies_on_its_page_alone(tmp_path: Path) -> None:
    path = tmp_path / "signed.pdf"
    path.write_bytes(document(SAID, 3).with_place(FIELD, 100).filled(bytes(100)))
    assert ["/Annots" in page for page in PdfReader(path).pages] == [False, True, False]


def test_a_document_is_written_once() -> None:
    begun = document(SAID, 2)
    begun.unsigned()
    with pytest.raises(RuntimeError, match="only be saved once"):
        begun.with_place(FIELD, 100)
