"""The distribution's Chromium with a camera and a microphone of its own making."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.support.screens import PATIENCE, SMALL_CAMERA, Stage
from tests.support.service import Service, demonstration

expect.set_options(timeout=PATIENCE * 1000)

SILENT = "--autoplay-policy=user-gesture-required"
# Three cameras, of which the second gives depth, which no encoder takes: the third sees papers.
PLUGGED = "--use-fake-device-for-media-stream=device-count=3,fps=10"
ALLOWED = "--use-fake-ui-for-media-stream"
UNPLUGGED = "--use-fake-device-for-media-stream=device-count=0"
REFUSED = "--use-fake-ui-for-media-stream=deny"


def installed() -> Path:
    """Return where Chromium is; fails where none is installed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("no Chromium is installed: run `make system`")
    return Path(path)


@asynccontextmanager
async def launched(*flags: str, path: Path | None = None) -> AsyncIterator[Browser]:
    """Run the distribution's Chromium, or what starts it elsewhere."""
    path = path or installed()
    async with async_playwright() as playwright:
        # Root may not use the sandbox; the pages are our own.
        browser = await playwright.chromium.launch(
            executable_path=path, args=[SILENT, *flags], chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            await browser.close()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with demonstration(tmp_path / "data") as running:
        yield running


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A browser whose pages may use both of its cameras, its microphone and its screen."""
    async with launched(ALLOWED, PLUGGED) as browser:
        yield browser


@pytest.fixture
async def stage(chromium: Browser, service: Service) -> Stage:
    return Stage(chromium, service.url)


@pytest.fixture
async def light(chromium: Browser, service: Service) -> Stage:
    """The same stage with small pictures."""
    return Stage(chromium, service.url, SMALL_CAMERA)
