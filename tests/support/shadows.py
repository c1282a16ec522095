"""Updates behind a signed certificate that would show another page: what is known of such attacks.

"Shadow Attacks" (Mainka and others, NDSS 2021: hide, replace, hide and replace), attacks on
certified documents (Rohlmann and others, S&P 2021: EAA by annotations, SSA by fields of
signatures), and incremental saving (Mladenov and others, CCS 2019: ISA).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from random import Random

from pyhanko.pdf_utils.generic import Reference, StreamObject
from pyhanko.pdf_utils.reader import PdfFileReader

from tests.support.updates import Update, literal, pointer, spelled, stream_of

LIE = b"q 1 1 1 rg 0 0 600 850 re f Q"
FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 400 40]"
NOTE_KINDS = (b"FreeText", b"Stamp", b"Square", b"Redact", b"Highlight", b"Widget /FT /Tx /T (x)")
SCRIPT = b"<</S /JavaScript /JS (app.alert\\(1\\))>>"

Change = Callable[[Random, Update, bytes], None]


def _cover(_chance: Random, update: Update, _other: bytes) -> None:
    """Hide: draw over what the page shows."""
    shown = spelled(update.reader.get_object(update.page).raw_get("/Contents"))
    over = update.add(stream_of(LIE))
    update.change(update.page, Contents=b"[%s %d 0 R]" % (shown, over))


def _switch_layers(chance: Random, update: Update, _other: bytes) -> None:
    """Hide: put what is shown into a layer that is off, and another into one that is on."""
    shown = spelled(update.reader.get_object(update.page).raw_get("/Contents"))
    off, on = (update.add(b"<</Type /OCG /Name (%d)>>" % n) for n in range(2))
    begin, end = update.add(stream_of(b"/OC /Off BDC")), update.add(stream_of(b"EMC /OC /On BDC"))
    lie, close = update.add(stream_of(LIE)), update.add(stream_of(b"EMC"))
    order = b"[%d 0 R %s %d 0 R %d 0 R %d 0 R]" % (begin, shown, end, lie, close)
    update.change(update.page, Contents=order)
    state = b"/OFF [%d 0 R] /ON [%d 0 R]" % ((off, on) if chance.random() < 0.5 else (on, off))
    layers = b"<</OCGs [%d 0 R %d 0 R] /D <<%s>>>>" % (off, on, state)
    update.change(update.root, OCProperties=layers)


def _replace(chance: Random, update: Update, other: bytes) -> None:
    """Replace: any object by that of another certificate, or by nothing."""
    theirs = PdfFileReader(io.BytesIO(other), strict=False)
    size = int(update.reader.trailer["/Size"])
    for _ in range(chance.randint(1, 4)):
        number = chance.randrange(1, size)
        update.objects[number] = _of(theirs, number) if chance.random() < 0.8 else b"null"


def _of(reader: PdfFileReader, number: int) -> bytes:
    try:
        return spelled(reader.get_object(Reference(number, 0, reader)))
    except Exception:  # noqa: BLE001 (the other file has fewer objects)
        return b"null"


def _show_other_text(_chance: Random, update: Update, other: bytes) -> None:
    """Replace: the page's own words by another certificate's."""
    theirs = Update(other)
    shown = theirs.reader.get_object(theirs.page)["/Contents"]
    assert isinstance(shown, StreamObject)
    update.change(update.page, Contents=b"%d 0 R" % update.add(spelled(shown)))


def _show_hidden_page(_chance: Random, update: Update, _other: bytes) -> None:
    """Hide and replace: another tree of pages, the first one still in the file."""
    page = update.add(update.changed(update.page, Contents=b"%d 0 R" % update.add(stream_of(LIE))))
    pages = update.add(b"<</Type /Pages /Count 1 /Kids [%d 0 R]>>" % page)
    update.change(update.root, Pages=b"%d 0 R" % pages)


def _reorder(chance: Random, update: Update, _other: bytes) -> None:
    """Swap, repeat or take away pages."""
    pages = update.reader.root.raw_get("/Pages").reference
    kids = [spelled(kid) for kid in update.reader.get_object(pages)["/Kids"]]
    order = chance.choices(kids, k=chance.randint(1, len(kids) + 2))
    order = order if order != kids else [*kids, *kids]
    update.change(pages, Kids=b"[%s]" % b" ".join(order), Count=b"%d" % len(order))


def _annotate(chance: Random, update: Update, _other: bytes) -> None:
    """EAA: an annotation with an appearance of its own."""
    look = update.add(stream_of(LIE, FORM))
    note = update.add(
        b"<</Type /Annot /Subtype /%s /Rect [90 400 500 440] /F 4 /Contents (18342.57) "
        b"/AP <</N %d 0 R>>>>" % (chance.choice(NOTE_KINDS), look)
    )
    update.change(update.page, Annots=b"[%s %d 0 R]" % (pointer(update.widget), note))


def _add_field(chance: Random, update: Update, _other: bytes) -> None:
    """SSA: a second field for a signature whose appearance lies over the page."""
    value = chance.choice((b"", b" /V %s" % pointer(update.signature), b" /V <<>>", b" /V null"))
    look = update.add(stream_of(LIE, FORM))
    field = update.add(
        b"<</Type /Annot /Subtype /Widget /FT /Sig /T (Second) /F 132 /Rect [90 400 500 440] "
        b"/AP <</N %d 0 R>>%s>>" % (look, value)
    )
    mine = pointer(update.widget)
    update.change(update.page, Annots=b"[%s %d 0 R]" % (mine, field))
    order = [mine, b"%d 0 R" % field]
    chance.shuffle(order)
    form = b"<</Fields [%s] /SigFlags 3>>" % b" ".join(order)
    update.change(update.root, AcroForm=form)


def _copy_signature(chance: Random, update: Update, _other: bytes) -> None:
    """ISA: the signature once more, its range over the whole new file or as it was."""
    long = len(update.content) + chance.randrange(3_000)
    ranges = (b"[0 %d %d %d]" % (100, 200, long), b"[0 0 0 0]", None)
    copy = update.add(update.changed(update.signature, ByteRange=chance.choice(ranges)))
    update.change(update.widget, V=b"%d 0 R" % copy)
    if chance.random() < 0.5:
        update.change(update.root, Perms=b"<</DocMDP %d 0 R>>" % copy)


def _loosen(chance: Random, update: Update, _other: bytes) -> None:
    """Take away, or soften, what forbids changes."""
    soft = b"[<</Type /SigRef /TransformMethod /DocMDP /TransformParams <</P %d /V /1.2>>>>]"
    chance.choice(
        (
            lambda: update.change(update.root, Perms=None),
            lambda: update.change(update.root, Perms=b"<<>>"),
            lambda: update.change(update.root, Perms=b"<</UR3 %s>>" % pointer(update.signature)),
            lambda: update.change(update.signature, Reference=None),
            lambda: update.change(update.signature, Reference=soft % chance.choice((2, 3))),
        )
    )()


def _rename(chance: Random, update: Update, other: bytes) -> None:
    """Say another number."""
    told = Update(other).reader.trailer["/Info"].raw_get("/Subject")
    number = chance.choice((spelled(told), b"()", b"null", literal(b"1.2.156.3005.2.1")))
    place = update.reader.trailer.raw_get("/Info").reference
    if chance.random() < 0.5:
        update.change(place, Subject=number)
    else:
        update.said["/Info"] = b"<</Subject %s>>" % number


def _take_off(chance: Random, update: Update, _other: bytes) -> None:
    """Take the signature off, or what leads to it."""
    chance.choice(
        (
            lambda: update.change(update.root, AcroForm=None, Perms=None),
            lambda: update.change(update.widget, V=None),
            lambda: update.change(update.page, Annots=None),
            lambda: update.objects.update({update.signature.idnum: b"null"}),
        )
    )()


def _arm(chance: Random, update: Update, _other: bytes) -> None:
    """Have the file do something when it is opened, or carry something along."""
    more: Mapping[str, bytes] = {
        "OpenAction": SCRIPT, "AA": b"<</WC %s>>" % SCRIPT, "DSS": b"<</Certs []>>",
        "Names": b"<</EmbeddedFiles <</Names []>>>>", "Later": b"<<>>",
        "Outlines": b"<</Type /Outlines /Count 0>>",
    }  # fmt: skip
    name = chance.choice(sorted(more))
    update.change(update.root, **{name: more[name]})


CHANGES: Mapping[str, Change] = {
    "cover": _cover,
    "layers": _switch_layers,
    "replaced object": _replace,
    "other text": _show_other_text,
    "hidden page": _show_hidden_page,
    "pages reordered": _reorder,
    "annotation": _annotate,
    "second field": _add_field,
    "signature copied": _copy_signature,
    "permission": _loosen,
    "other number": _rename,
    "signature taken off": _take_off,
    "action": _arm,
}


def _without_table(update: Update) -> bytes:
    return update.content + update.body()[0]


def _without_trailer(update: Update) -> bytes:
    return update.written().rpartition(b"trailer")[0]


def _without_end(update: Update) -> bytes:
    return update.written().rpartition(b"startxref")[0] + b"startxref\n0\n%%EOF"


def _on_a_second_end(update: Update) -> bytes:
    """The file's own last lines stand once more behind the update."""
    tail = update.content[update.content.rindex(b"startxref") :]
    return update.written() + tail


WAYS: Sequence[Callable[[Update], bytes]] = (
    Update.written, Update.written, Update.packed, Update.uncounted, Update.uncounted,
    _without_table, _without_trailer, _without_end, _on_a_second_end,
)  # fmt: skip


def updated(change: Change, chance: Random, content: bytes, other: bytes) -> bytes:
    """Return a certificate with a change behind it, written in one of several ways."""
    update = Update(content)
    change(chance, update, other)
    return chance.choice(WAYS)(update)
