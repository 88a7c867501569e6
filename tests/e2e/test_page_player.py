"""What a player sets, and where a note could be played instead: on the real page, against the real stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.browser import open_page
from tests.support.demo import demo_wav
from tests.support.stack import running_stack

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.timeout(180)]


async def transcribed(page: Page) -> None:
    await page.locator('input[type="file"]').set_input_files(demo_wav())
    await expect(page.locator('[data-phase="done"]')).to_be_attached(timeout=60_000)
    await expect(page.locator("[data-note-id]").nth(20)).to_be_attached()


async def frets(page: Page) -> list[int]:
    """Of every note that has a place, by onset."""
    shown = await page.locator('[data-note-id]:not([data-fret=""])').evaluate_all(
        "nodes => nodes.map(node => [Number(node.dataset.onset), Number(node.dataset.fret)])"
    )
    return [fret for _, fret in sorted(shown)]


async def choose(page: Page, setting: str, value: str) -> None:
    await page.locator(f'[data-setting="{setting}"]').select_option(value)


async def documents(edge_url: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=edge_url) as http:
        (item,) = (await http.get("/api/transcribe")).json()["items"]
        return list((await http.get(f"/api/transcribe/{item['id']}/documents")).json()["items"])


async def test_settings_arrange_the_finished_tab_anew(tmp_path: Path) -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await transcribed(page)
            as_played = await frets(page)
            await page.get_by_text("Player and neck").click()
            await page.locator('[data-setting="highest"]').fill("4")
            await choose(page, "difficulty", "beginner")
            await page.get_by_role("button", name="Arrange anew").click()
            await expect(page.locator('[data-setting="version"] option')).to_have_count(2, timeout=20_000)
            await expect(page.locator('[data-setting="version"]')).not_to_have_value("")
            low = await frets(page)
            assert len(low) == len(as_played)
            assert sum(fret > 4 for fret in low) < sum(fret > 4 for fret in as_played)
            (document,) = await documents(stack.edge_url)
            assert document["settings"]["highest_fret"] == 4
            assert document["settings"]["difficulty"] == "beginner"
            await page.screenshot(path=tmp_path / "settings.png", full_page=True)
            await choose(page, "tuning", "bass")
            await page.get_by_role("button", name="Arrange anew").click()
            await expect(page.locator("[data-unplaced]")).to_be_visible(timeout=20_000)
            off = page.locator('[data-note-id][data-flags~="out_of_range"]')
            assert await off.count() > 0
            assert await page.locator("[data-note-id]").count() == len(as_played), "what cannot be played is kept"
            await choose(page, "version", "")
            await expect(page.locator("[data-unplaced]")).to_have_count(0)
            assert await frets(page) == as_played, "the log says what it said"


async def test_a_voice_is_listened_for_where_it_is_asked_for(tmp_path: Path) -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await choose(page, "separation", "auto")
            await transcribed(page)
            await expect(page.locator("[data-separation]")).to_have_text("Nobody sings: heard as recorded.")
            await page.screenshot(path=tmp_path / "separation.png", full_page=True)
            await page.reload()
            await expect(page.locator('[data-setting="separation"]')).to_have_value("auto")


async def test_a_note_is_put_elsewhere_with_the_keyboard(tmp_path: Path) -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await transcribed(page)
            await page.get_by_text("Player and neck").click()
            await page.get_by_label("Left-handed neck").check()
            await page.locator(".systems").focus()
            await page.keyboard.press("ArrowRight")
            await page.keyboard.press("ArrowRight")
            note = page.locator("[data-note-id]:focus")
            note_id, pitch = await attribute(note, "data-note-id"), await attribute(note, "data-pitch")
            before = await attribute(note, "data-string")
            await page.keyboard.press("Enter")
            popover = page.get_by_role("dialog", name="Where to play this note")
            await expect(popover).to_be_visible()
            await expect(popover.locator(".neck[data-left-handed]")).to_be_visible()
            await page.keyboard.press("ArrowDown")
            wanted = await attribute(popover.locator("button:focus"), "data-string")
            assert wanted != before
            await page.screenshot(path=tmp_path / "popover.png", full_page=True)
            await page.keyboard.press("Enter")
            moved = page.locator(f'[data-note-id="{note_id}"][data-string="{wanted}"]')
            await expect(moved).to_be_attached()
            assert await attribute(moved, "data-pitch") == pitch
            await expect(page.locator('[data-setting="version"]')).not_to_have_value("", timeout=20_000)
            await expect(moved).to_be_attached()
            (document,) = await documents(stack.edge_url)
            assert document["settings"]["pins"] == {note_id: int(wanted)}
            await page.keyboard.press("Escape")
            await expect(popover).to_have_count(0)
            await page.screenshot(path=tmp_path / "moved.png", full_page=True)


async def attribute(locator: Locator, name: str) -> str:
    value = await locator.get_attribute(name)
    assert value
    return value
