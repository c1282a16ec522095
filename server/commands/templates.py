"""The commands for who writes certificate templates: what is wrong with one, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import pypdfium2
import typer

from docs_gen.press import specimen
from docs_gen.samples import longest, sample
from docs_gen.template import Template, Templates, check_templates
from server.commands.console import fail, telling

DOTS_PER_INCH: Final = 150
POINTS_PER_INCH: Final = 72
FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", help="Templates as KIND/VERSION.toml; those that come along if none."),
]

templates_app = typer.Typer(no_args_is_help=True, help="Certificate templates.")
app = typer.Typer()
app.add_typer(templates_app, name="templates")


@templates_app.command(name="check")
@telling
def check(folder: FolderOption = None) -> None:
    """Name all that is wrong with the templates; status 0 if nothing is."""
    templates, faults = check_templates(_existing(folder))
    for template in templates.values():
        try:
            pages = dict(_specimens(template))
        except ValueError as error:
            faults.append(f"{template.kind}/{template.version}.toml: {error}")
            continue
        many = len(pypdfium2.PdfDocument(pages["longest"]))
        typer.echo(
            f"{template.kind} {template.version}  {template.title}  {template.validity_days} days,"
            f" {len(template.fields)} fields, {many} pages at most"
        )
    if faults:
        fail("\n".join(faults))


@templates_app.command(name="draw")
@telling
def draw(
    kinds: Annotated[list[str] | None, typer.Argument(help="Kinds; all if none.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Where the drawings go.")] = Path("specimens"),
    folder: FolderOption = None,
) -> None:
    """Draw specimens, marked 样张, as PDF and PNG: with usual values and with the longest."""
    templates, faults = check_templates(_existing(folder))
    if faults:
        fail("\n".join(faults))
    out.mkdir(parents=True, exist_ok=True)
    for kind in kinds or sorted(templates):
        for name, content in _specimens(_known(templates, kind)):
            _keep(out, f"{kind}-{name}", content)
            typer.echo(str(out / f"{kind}-{name}.pdf"))


def _existing(folder: Path | None) -> Path | None:
    if folder is not None and not folder.is_dir():
        fail(f"{folder}: expected a folder of templates")
    return folder


def _known(templates: Templates, kind: str) -> Template:
    if kind not in templates:
        fail(f"{kind}: expected one of {', '.join(sorted(templates))}")
    return templates[kind]


def _specimens(template: Template) -> Iterator[tuple[str, bytes]]:
    """Yield what is drawn of a template, by name; ValueError for what no page can be made of."""
    now = datetime.now(UTC)
    yield "usual", specimen(sample(template, now), template)
    yield "longest", specimen(longest(template, now), template)


def _keep(out: Path, name: str, content: bytes) -> None:
    """Write a drawing as PDF, and each page as PNG."""
    (out / f"{name}.pdf").write_bytes(content)
    for number, page in enumerate(pypdfium2.PdfDocument(content), start=1):
        picture = page.render(scale=DOTS_PER_INCH / POINTS_PER_INCH).to_pil()
        picture.save(out / f"{name}-{number}.png")
