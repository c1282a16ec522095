"""Signed certificates per second and CPU per certificate, beside reportlab, WeasyPrint and Typst.

Each draws the same page (title, paragraph, table of facts, seal, QR code, watermark, the same
embedded faces) for another person each time, with all loaded that can be loaded before. The peers'
pages are signed by pyHanko's own SimpleSigner with the same key. A page of each way must hold the
facts and be found genuine by our verifier, or there is nothing to compare. Below them stands what
reportlab and P-256 take alone: a page with nothing but the words and a bare signature over it. Ours
with the check before release is what the service does for each; with an image seal the picture that
an office brought is on the page in place of the drawn one.

    python bench/certificates.py [--json] [--count N]
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.stamp import StaticStampStyle
from pypdf import PdfReader

from bench.peers import Typst, Weasy
from bench.plain import Page, Paper
from docs_gen.data import Facts
from docs_gen.keyfiles import open_pkcs12
from docs_gen.press import Drawn, draw
from docs_gen.signing import sign
from docs_gen.verifying import Verdict, verify
from tests.support.office import PASSPHRASE, TEMPLATES, Office, open_office
from tests.support.seals import image_seal

KIND = "pension-balance"
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈", "三四五六七八九十百千"

Draw = Callable[[Facts], Any]
Sign = Callable[[Any, Facts], bytes]


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to a signed certificate; a floor is none yet."""

    name: str
    draw: Draw
    sign: Sign
    is_floor: bool = False


@dataclasses.dataclass(frozen=True)
class Figures:
    """What one way took per certificate; CPU is of this process, all its threads."""

    name: str
    per_second: float
    cpu_ms: float
    draw_cpu_ms: float
    sign_cpu_ms: float
    kilobytes: float


def people(office: Office, count: int) -> list[Facts]:
    """Return facts about as many people, so that no page can be kept from the last."""
    names = (f"{SURNAMES[i % 10]}{GIVEN[i // 10 % 10]}{GIVEN[i // 100 % 10]}" for i in range(count))
    return [
        office.facts(KIND, applicant_name=name, balance=f"{1000 + i}.60")
        for i, name in enumerate(names)
    ]


def ways(office: Office) -> list[Way]:
    """Return ours and its peers."""
    key, template = office.key(KIND), TEMPLATES[KIND]
    simple, trust = simple_signer(office), office.trust
    pair, _ = open_pkcs12(office.folder / "seals" / f"{KIND}.p12", PASSPHRASE.encode())
    plain = Page(template)

    def our_page(facts: Facts) -> Drawn:
        return draw(facts, template)

    image = image_seal()

    def with_image(facts: Facts) -> Drawn:
        return draw(facts, template, seal=image)

    def our_signature(drawn: Drawn, facts: Facts) -> bytes:
        return sign(drawn, facts, key)

    def checked(drawn: Drawn, facts: Facts) -> bytes:
        signed = our_signature(drawn, facts)
        if asyncio.run(verify(signed, trust, facts.signing_time)).verdict is not Verdict.GENUINE:
            raise ValueError("what we signed is not genuine")
        return signed

    def bare_signature(page: bytes, _: Facts) -> bytes:
        return page + pair.key.sign(page, ec.ECDSA(hashes.SHA256()))

    return [
        Way("ours", our_page, our_signature),
        Way("ours, image seal", with_image, our_signature),
        Way("ours, checked for release", our_page, checked),
        Way("reportlab + SimpleSigner", plain.draw, simple),
        Way("Typst + SimpleSigner", Typst(template).draw, simple),
        Way("WeasyPrint + SimpleSigner", Weasy(template).draw, simple),
        Way("floor: words + bare P-256", plain.bare, bare_signature, is_floor=True),
    ]


def simple_signer(office: Office) -> Sign:
    """Return pyHanko's own way to sign, with the same key and the same kind of signature."""
    signer = office.simple_signer(KIND)
    metadata = signers.PdfSignatureMetadata(
        field_name="Seal",
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
    )
    stamp = StaticStampStyle(border_width=0, background=None)

    def signed(drawn: Paper, _: Facts) -> bytes:
        spec = fields.SigFieldSpec("Seal", on_page=0, box=drawn.seal_box)
        pdf_signer = signers.PdfSigner(metadata, signer, stamp_style=stamp, new_field_spec=spec)
        writer = IncrementalPdfFileWriter(io.BytesIO(drawn.pdf))
        output: bytes = asyncio.run(pdf_signer.async_sign_pdf(writer)).getvalue()
        return output

    return signed


def check(way: Way, facts: Facts, office: Office) -> None:
    """Raise ValueError unless a way's page holds the facts and its signature is genuine."""
    signed = way.sign(way.draw(facts), facts)
    pages = PdfReader(io.BytesIO(signed)).pages
    text = "".join("".join(page.extract_text().split()) for page in pages)
    wanted = (facts.values["applicant_name"], facts.check_code, facts.issuer.name, "特此证明")
    missing = [one for one in wanted if one not in text]
    verdict = office.judge(signed).verdict
    if missing or len(pages) != 1 or verdict is not Verdict.GENUINE:
        raise ValueError(f"{way.name}: {verdict}, {len(pages)} pages, missing {missing}")


def measure(way: Way, everyone: list[Facts]) -> Figures:
    """Draw and sign for everyone, one after the other."""
    drawing = signing = 0.0
    size, count = 0, len(everyone)
    began = time.perf_counter()
    for facts in everyone:
        start = time.process_time()
        drawn = way.draw(facts)
        between = time.process_time()
        size += len(way.sign(drawn, facts))
        signing += time.process_time() - between
        drawing += between - start
    took = time.perf_counter() - began
    return Figures(
        name=way.name,
        per_second=count / took,
        cpu_ms=(drawing + signing) / count * 1000,
        draw_cpu_ms=drawing / count * 1000,
        sign_cpu_ms=signing / count * 1000,
        kilobytes=size / count / 1000,
    )


def table(found: list[Figures]) -> str:
    """Return the figures as a table; ratios are to ours, of CPU per certificate."""
    head = f"{'':<27}{'per s':>8}{'CPU ms':>9}{'drawing':>9}{'signing':>9}{'kB':>7}{'ours = 1':>15}"
    lines = [
        f"{one.name:<27}{one.per_second:>8.1f}{one.cpu_ms:>9.1f}{one.draw_cpu_ms:>9.1f}"
        f"{one.sign_cpu_ms:>9.1f}{one.kilobytes:>7.0f}{one.cpu_ms / found[0].cpu_ms:>15.2f}"
        for one in found
    ]
    return "\n".join([head, *lines])


def main() -> int:
    """Measure every way in turn and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--count", type=int, default=100, help="certificates per way")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        office = open_office(Path(folder))
        everyone = people(office, given.count)
        found = []
        for way in ways(office):
            if not way.is_floor:
                check(way, everyone[0], office)
            found.append(measure(way, everyone))
    print(json.dumps([dataclasses.asdict(one) for one in found]) if given.json else table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
