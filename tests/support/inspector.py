"""Pages held to axe-core's grave rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.screens import Screen

AXE = Path(__file__).parents[2] / "counter_client/web/node_modules/axe-core/axe.min.js"
RUN = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => [id, html, failureSummary]))
"""
# Opening dialogs are half transparent for a moment, and so are their contrasts.
STILL = "() => document.getAnimations().every((one) => one.playState !== 'running')"


@dataclass
class Inspector:
    """Looks at one page after the other and keeps what a person could not use."""

    found: list[tuple[str, Any]] = field(default_factory=list)

    async def look(self, screen: Screen, name: str) -> None:
        page = screen.page
        await page.emulate_media(reduced_motion="reduce")
        await page.wait_for_function(STILL)
        # By the debugger's own way in: the page's policy rightly lets no script be added.
        await page.evaluate(AXE.read_text())
        self.found += [(name, one) for one in await page.evaluate(RUN)]
