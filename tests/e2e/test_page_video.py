"""A video's address on the page, and the colours and notation that somebody chose, in a real browser."""

from __future__ import annotations

import io
import os
import wave

import pytest
from playwright.async_api import expect

from tests.support.browser import open_page
from tests.support.demo import demo_wav
from tests.support.stack import running_stack
from tests.web_edge.videos import media_server
from tests.web_edge.videos.media_server import serving_media

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.timeout(180)]


def excerpt() -> bytes:
    """The demo's first four seconds."""
    out = io.BytesIO()
    with wave.open(str(demo_wav())) as source, wave.open(out, "wb") as target:
        target.setparams(source.getparams())
        target.writeframes(source.readframes(4 * source.getframerate()))
    return out.getvalue()


async def test_a_video_is_fetched_and_what_was_chosen_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_server, "SOUND", excerpt())
    with serving_media() as site:
        told = {"GENESIS_EDGE_VIDEOS": "true", "GENESIS_EDGE_VIDEOS_TEST_ADDRESS": site.address}
        with running_stack(environment={**os.environ, **told}) as stack:
            async with open_page(stack.edge_url) as page:
                root = page.locator("html")
                await page.locator('[data-setting="theme"]').select_option("dark")
                await expect(root).to_have_css("background-color", "rgb(22, 21, 15)")
                await page.locator('[data-setting="video"]').fill(f"{site.url}/song.wav")
                await page.locator('[data-action="video"]').click()
                await expect(page.locator('[data-phase="done"]')).to_be_attached(timeout=90_000)
                await expect(page.locator("h2").first).to_have_text("song")
                digits = await page.locator("[data-note-id]").count()
                assert digits > 3
                # The same notes as heads above the tab, and in its place.
                await page.locator('[data-setting="notation"]').select_option("tab_and_score")
                await expect(page.locator(".head:not([data-tied])")).to_have_count(digits)
                await expect(page.locator("[data-note-id]")).to_have_count(digits)
                await page.locator('[data-setting="notation"]').select_option("score")
                await expect(page.locator(".head[data-note-id]")).to_have_count(digits)
                await expect(page.locator("[data-note-id]")).to_have_count(digits)
                await page.locator(".head[data-note-id]").first.click()
                await expect(page.locator(".popover")).to_be_visible()
                # What is no video is refused in a sentence, before anything is fetched.
                asked = len(site.asked)
                await page.locator('[data-setting="video"]').fill("http://127.0.0.1:1/x")
                await page.locator('[data-action="video"]').click()
                await expect(page.locator('[data-phase="failed"]')).to_be_attached()
                await expect(page.get_by_role("alert")).not_to_be_empty()
                assert len(site.asked) == asked
                await page.reload()
                await expect(root).to_have_css("background-color", "rgb(22, 21, 15)")
                await expect(page.locator('[data-setting="theme"]')).to_have_value("dark")
                await expect(page.locator('[data-setting="notation"]')).to_have_value("score")
            # Another browser, as on another machine.
            async with open_page(stack.edge_url) as page:
                await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
                await expect(page.locator('[data-setting="notation"]')).to_have_value("score")
