"""The distribution's Chromium with a camera and a microphone of its own making."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.support.screens import Stage
from tests.support.service import Service, demonstration

# Long enough for a machine that is busy with other tests; what must be quick is measured.
expect.set_options(timeout=20_000)

FLAGS = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=user-gesture-required",
)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with demonstration(tmp_path / "data") as running:
        yield running


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """The browser; fails where none is installed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("no Chromium is installed: run `make system`")
    async with async_playwright() as playwright:
        # Root may not use the sandbox; the pages are our own.
        browser = await playwright.chromium.launch(
            executable_path=path, args=list(FLAGS), chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            await browser.close()


@pytest.fixture
async def stage(chromium: Browser, service: Service) -> Stage:
    return Stage(chromium, service.url)
