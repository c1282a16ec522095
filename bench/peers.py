"""The same certificate page by WeasyPrint and by Typst, for bench/certificates.py."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
import json
import math
import tempfile
from importlib import resources
from pathlib import Path

import segno
import typst
import weasyprint
from weasyprint.text.fonts import FontConfiguration

from bench.plain import Paper
from docs_gen.data import Facts
from docs_gen.modules import MASK
from docs_gen.numbers import long_date
from docs_gen.seal import DIAMETER
from docs_gen.template import Template

FACES = Path(str(resources.files("docs_gen") / "font_files"))
SERIF, SANS = "Noto Serif SC", "Noto Sans SC"
SEAL_BOX = (320, 110, 440, 230)

STYLE = f"""
@font-face {{ font-family: '{SERIF}'; font-weight: 400;
  src: url('{FACES.as_uri()}/NotoSerifSC_400Regular.ttf') }}
@font-face {{ font-family: '{SERIF}'; font-weight: 700;
  src: url('{FACES.as_uri()}/NotoSerifSC_700Bold.ttf') }}
@font-face {{ font-family: '{SANS}';
  src: url('{FACES.as_uri()}/NotoSansSC_400Regular.ttf') }}
@page {{ size: A4; margin: 37mm 26mm 35mm 28mm }}
body {{ font: 16pt/28pt '{SERIF}'; margin: 0 }}
h1 {{ font: 700 22pt/34pt '{SERIF}'; text-align: center; margin: 0 }}
.small {{ font: 10.5pt/16pt '{SANS}'; text-align: center }}
p {{ text-indent: 2em; margin: 0 }}
table {{ border-collapse: collapse; width: 100%; font-size: 14pt; line-height: 21pt;
  margin: 8pt 0 }}
td {{ border: .6pt solid; padding: 5pt }}
.mark {{ position: fixed; left: 20mm; font-size: 84pt; line-height: 1; color: #9ea3ad33;
  transform: rotate(-38deg) }}
.left {{ position: fixed; left: 0; bottom: 0; font: 10.5pt/16pt '{SANS}' }}
.left img {{ width: 34mm }}
.right {{ position: fixed; right: 64pt; bottom: 12mm; text-align: center }}
.seal {{ position: fixed; right: 112pt; bottom: 3mm }}
"""

SOURCE = """
#let said = json(bytes(sys.inputs.page))
#set document(title: said.title)
#set page(paper: "a4", margin: (top: 37mm, left: 28mm, right: 26mm, bottom: 35mm), background: {
  for dy in (-60mm, 60mm) { place(center + horizon, dy: dy,
    rotate(-38deg, text(84pt, fill: rgb("#9ea3ad33"))[演示样本])) }
})
#set text(font: "Noto Serif SC", size: 16pt, lang: "zh")
#set par(first-line-indent: (amount: 2em, all: true), leading: 12pt)
#align(center)[#text(22pt, weight: "bold", said.title) \\
  #text(10.5pt, font: "Noto Sans SC")[编号：#said.number]]
#for words in said.paragraphs [#words #parbreak()]
#table(columns: (46mm, 1fr), stroke: .6pt, inset: 5pt,
  ..said.rows.flatten().map(cell => text(14pt, cell)))
特此证明。

#text(10.5pt, said.basis)
#place(bottom + left, box[#set par(first-line-indent: 0pt)
  #image(bytes(said.qr), format: "svg", width: 34mm)
  #text(10.5pt, font: "Noto Sans SC")[校验码 #said.code \\ 编号 #said.number]])
#place(bottom + right, dx: -64pt, dy: -12mm, align(center)[#said.issuer \\ #said.day])
#place(bottom + right, dx: -112pt, dy: -3mm, image(bytes(said.seal), format: "svg"))
"""


@dataclasses.dataclass(frozen=True)
class Words:
    """Every text and picture of the page, the same for all."""

    title: str
    number: str
    code: str
    paragraphs: list[str]
    rows: list[tuple[str, str]]
    basis: str
    issuer: str
    day: str
    seal: str
    qr: str


def words(facts: Facts, template: Template) -> Words:
    """Return what the page says."""
    written = template.written(facts)
    return Words(
        title=template.title,
        number=facts.number,
        code=facts.check_code,
        paragraphs=[text.format_map(written) for text in template.paragraphs],
        rows=[(label, value.format_map(written)) for label, value in template.rows],
        basis=template.basis.format_map(written),
        issuer=facts.issuer.name,
        day=long_date(facts.issued_on),
        seal=seal_svg(facts.issuer.seal_text),
        qr=qr_svg(facts.qr_url),
    )


def seal_svg(name: str) -> str:
    """Return the seal as a picture of vectors."""
    half = DIAMETER / 2
    points = []
    for corner in range(10):
        radius, angle = (17.6 if corner % 2 == 0 else 6.7), math.radians(-90 + corner * 36)
        points.append(f"{radius * math.cos(angle):.2f},{radius * math.sin(angle):.2f}")
    step = min(250 / len(name), 26)
    turns = (step * (i - (len(name) - 1) / 2) for i in range(len(name)))
    letters = "".join(
        f'<text transform="rotate({turn:.2f}) translate(0,{18 - half:.2f})">{letter}</text>'
        for turn, letter in zip(turns, name, strict=True)
    )
    size = f"{DIAMETER:.1f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}pt" height="{size}pt"'
        f' viewBox="{-half:.1f} {-half:.1f} {size} {size}" fill="#de1c1f" font-size="13"'
        f' font-family="{SERIF}" font-weight="700" text-anchor="middle">'
        f'<circle r="{half - 2:.1f}" fill="none" stroke="#de1c1f" stroke-width="3.4"/>'
        f'<polygon points="{" ".join(points)}"/>{letters}'
        '<text y="46" font-size="11">演 示</text></svg>'
    )


def qr_svg(address: str) -> str:
    """Return the QR code as a picture of vectors."""
    drawn = io.BytesIO()
    code = segno.make(address, error="m", boost_error=False, micro=False, mask=MASK)
    code.save(drawn, kind="svg", border=2, xmldecl=False)
    return drawn.getvalue().decode()


class Weasy:
    """The page by WeasyPrint, its style sheet and faces read once."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.fonts = FontConfiguration()
        self.style = weasyprint.CSS(string=STYLE, font_config=self.fonts)

    def draw(self, facts: Facts) -> Paper:
        """Return the page."""
        page = words(facts, self.template)
        marks = "".join(f"<div class=mark style='top:{y}mm'>演示样本</div>" for y in (60, 150))
        rows = "".join(f"<tr><td>{html.escape(a)}<td>{html.escape(b)}" for a, b in page.rows)
        body = (
            f"<html lang=zh-CN><title>{page.title}</title>{marks}"
            f"<h1>{page.title}</h1><div class=small>编号：{page.number}</div>"
            + "".join(f"<p>{html.escape(text)}</p>" for text in page.paragraphs)
            + f"<table>{rows}</table><p>特此证明。</p>"
            f"<p style='font-size:10.5pt'>{html.escape(page.basis)}</p>"
            f"<div class=left>{_picture(page.qr)}<br>校验码 {page.code}<br>编号 {page.number}</div>"
            f"<div class=right>{html.escape(page.issuer)}<br>{page.day}</div>"
            f"<div class=seal>{_picture(page.seal)}</div>"
        )
        document = weasyprint.HTML(string=body)
        return Paper(document.write_pdf(stylesheets=[self.style], font_config=self.fonts), SEAL_BOX)


def _picture(svg: str) -> str:
    return f"<img src='data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}'>"


class Typst:
    """The page by Typst, its faces read once."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.compiler = typst.Compiler(
            root=tempfile.gettempdir(), font_paths=[str(FACES)], ignore_system_fonts=True
        )

    def draw(self, facts: Facts) -> Paper:
        """Return the page."""
        page = json.dumps(dataclasses.asdict(words(facts, self.template)), ensure_ascii=False)
        drawn = self.compiler.compile(
            input=SOURCE.encode(), format="pdf", sys_inputs={"page": page}
        )
        return Paper(drawn, SEAL_BOX)
