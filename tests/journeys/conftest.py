"""A whole service per test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from counter_client import rehearsal, sources
from tests.support.service import Service, demonstration
from tests.support.story import PATIENCE


@pytest.fixture(autouse=True)
def small_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have cameras give a sixteenth of their picture, but in a test marked `whole_pictures`.

    What a picture shows is all the same to these stories, and computing it is most of their time.
    """
    if request.node.get_closest_marker("whole_pictures") is None:
        monkeypatch.setattr(sources, "WIDTH", sources.WIDTH // 4)
        monkeypatch.setattr(sources, "HEIGHT", sources.HEIGHT // 4)


@pytest.fixture(autouse=True)
def patient_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a story take as long as it takes on a machine that does other work."""
    monkeypatch.setattr(rehearsal, "PATIENCE", PATIENCE)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """The whole service on a data folder of the test's own."""
    async with demonstration(tmp_path / "data") as found:
        yield found
