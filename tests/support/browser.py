"""A real Chromium for the tests that are about the page."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

HOW = "needs Chromium: `apt-get install chromium` on Debian, or name one in GENESIS_CHROMIUM"
QUIET = [
    # A container's root has no sandbox; the rest keeps the browser from calling home on a closed network.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AUDIO = [
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@asynccontextmanager
async def open_page(url: str, *, microphone: Path | None = None) -> AsyncIterator[Page]:
    """A page in a fresh browser. Errors on its console fail the test.

    Args:
        url: where to go.
        microphone: a WAV file that the fake microphone plays.
    """
    executable = os.environ.get("GENESIS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip(HOW)
    fake = [f"--use-file-for-fake-audio-capture={microphone}%noloop"] if microphone else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=[*QUIET, *AUDIO, *fake])
        context = await browser.new_context(permissions=["microphone"])
        page = await context.new_page()
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        await page.goto(url)
        yield page
        await browser.close()
    assert broken == [], "the page threw"
