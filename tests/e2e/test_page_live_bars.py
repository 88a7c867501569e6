"""Tapping, setting and locking bars on the real page while the demo plays, against the real stack."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.test_page import sent_s, start_demo, wait_until_sent
from tests.e2e.test_page_bars import onsets, result
from tests.support.browser import open_page
from tests.support.stack import running_stack

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.timeout(180)]


async def expect_done(page: Page) -> None:
    await expect(page.locator('[data-phase="done"]')).to_be_attached(timeout=90_000)


async def test_bars_are_locked_while_the_music_plays(tmp_path: Path) -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await expect(page.get_by_role("region", name="Bars while you play")).to_have_count(0)
            await start_demo(page)
            bars = page.get_by_role("region", name="Bars while you play")
            said = bars.get_by_role("status")
            await expect(said).to_have_text("Bars follow the music.")
            await wait_until_sent(page, 5)
            before = set(map(tuple, await onsets(page)))
            await bars.get_by_label("Metre").select_option("3/4")
            await expect(said).to_have_text("Locked: 3/4.", timeout=10_000)
            await bars.get_by_label("Tempo").fill("96")
            await bars.get_by_role("button", name="Lock tempo").click()
            await expect(said).to_have_text("Locked: 96 beats a minute, 3/4.", timeout=10_000)
            await bars.get_by_role("button", name="This is bar one").click()
            await expect(said).to_contain_text("bar one at", timeout=10_000)
            await expect(page.locator(".sheet-head")).to_contain_text("96 beats a minute, 3/4")
            await page.screenshot(path=tmp_path / "locked.png", full_page=True)
            await page.set_viewport_size({"width": 360, "height": 740})
            # On a phone nothing is cut off, once the tab is laid out for it.
            await page.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth", timeout=10_000)
            await page.screenshot(path=tmp_path / "locked-phone.png")
            await page.set_viewport_size({"width": 1280, "height": 720})
            await bars.get_by_role("button", name="Unlock tempo").click()
            await expect(said).not_to_contain_text("96", timeout=10_000)
            await expect_done(page)
            await expect(bars).to_have_count(0)
            after = {(note, onset) for note, onset, *_ in await onsets(page)}
            settled = {(note, onset) for note, onset, *_ in before}
            assert len(settled & after) > len(settled) / 2, "notes stay where they were played"
            file = await result(stack.edge_url)
            assert (file["rhythm"]["tempo_bpm"], file["rhythm"]["time_signature"]) == (None, "3/4")
            assert {bar["time_signature"] for bar in file["bars"]} == {"3/4"}
            # What was set while it played stands where bars are set afterwards.
            await page.get_by_text("Bars", exact=True).click()
            await expect(page.locator('[data-setting="metre"]')).to_have_value("3/4")


async def test_the_key_t_taps_beats_and_what_cannot_be_is_told(tmp_path: Path) -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await start_demo(page)
            bars = page.get_by_role("region", name="Bars while you play")
            said = bars.get_by_role("status")
            await bars.get_by_label("Tempo").fill("7")
            await expect(bars.get_by_role("button", name="Lock tempo")).to_be_disabled()
            await bars.get_by_label("Tempo").fill("")
            await page.locator("h2").click()
            first, _total = await sent_s(page)
            for tap in range(4):
                # By the music's own clock: this machine may be slow.
                await wait_until_sent(page, first + 0.6 * (tap + 1))
                await page.keyboard.press("t")
            await expect(bars.get_by_role("button", name="Tap")).to_contain_text("(4)")
            await expect(said).to_contain_text("beats as you tapped them", timeout=10_000)
            await page.screenshot(path=tmp_path / "tapped.png", full_page=True)
            await bars.get_by_role("button", name="Find them again").click()
            await expect(said).to_have_text("Bars follow the music.", timeout=10_000)
            await page.locator('[data-action="stop"]').click()
            await expect_done(page)
            assert "rhythm" not in await result(stack.edge_url)
