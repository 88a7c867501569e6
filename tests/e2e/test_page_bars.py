"""Tapping, setting and locking bars on the real page, against the real stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.e2e.test_page_player import attribute, documents, transcribed
from tests.support.browser import open_page
from tests.support.stack import running_stack

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.timeout(180)]


async def onsets(page: Page) -> list[list[str]]:
    """What the tab says of every note, by id: when, which string, which fret."""
    found = await page.locator("[data-note-id]").evaluate_all(
        "nodes => nodes.map(({ dataset: d }) => [d.noteId, d.onset, d.string, d.fret])"
    )
    return sorted(found)


async def result(edge_url: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=edge_url) as http:
        (item,) = (await http.get("/api/transcribe")).json()["items"]
        which = "" if document is None else f"?document={document['id']}"
        return dict((await http.get(f"/api/transcribe/{item['id']}/result{which}")).json())


async def test_bars_are_set_around_tempo_metre_and_bar_one(tmp_path: Path) -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await transcribed(page)
            as_played = await onsets(page)
            await page.get_by_text("Bars", exact=True).click()
            here = page.get_by_role("button", name="Bar one here")
            await expect(here).to_be_disabled()
            note = page.locator("[data-note-id]").nth(3)
            onset_s = float(await attribute(note, "data-onset"))
            await note.click()
            await here.click()
            await page.locator('[data-setting="tempo"]').fill("96")
            await page.locator('[data-setting="metre"]').select_option("3/4")
            await page.get_by_role("button", name="Set bars").click()
            await expect(page.locator('[data-setting="version"]')).not_to_have_value("", timeout=20_000)
            await expect(page.locator(".sheet-head")).to_contain_text("96")
            await page.screenshot(path=tmp_path / "bars.png", full_page=True)
            assert await onsets(page) == as_played, "no note moved"
            (document,) = await documents(stack.edge_url)
            rhythm = document["settings"]["rhythm"]
            assert (rhythm["tempo_bpm"], rhythm["time_signature"]) == (96.0, "3/4")
            file = await result(stack.edge_url, document)
            (bar_one,) = (bar for bar in file["bars"] if bar["number"] == 1)
            assert bar_one["beats_s"][0] == pytest.approx(rhythm["bar_one_s"], abs=0.002)
            assert rhythm["bar_one_s"] == pytest.approx(onset_s, abs=0.02)
            await page.get_by_role("button", name="Find them again").click()
            await expect(page.locator('[data-setting="version"] option:checked')).to_contain_text("version 2")
            found = await result(stack.edge_url, document)
            log = await result(stack.edge_url)
            assert (found["bars"], found["notes"]) == (log["bars"], log["notes"])


async def test_taps_say_the_tempo(tmp_path: Path) -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await transcribed(page)
            await page.get_by_text("Bars", exact=True).click()
            tap = page.get_by_role("button", name="Tap")
            for _ in range(3):
                await tap.click(delay=300)  # how long a finger stays down: faster than 400 a minute is no tempo
            await expect(tap).to_have_text("Tap (3)")
            tempo = page.locator('[data-setting="tempo"]')
            await expect(tempo).not_to_have_value("")
            assert 20 <= float(await tempo.input_value()) <= 400
            await page.screenshot(path=tmp_path / "taps.png", full_page=True)


async def test_the_bars_of_the_whole_piece_take_the_place_of_those_told_live() -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            async with page.expect_response("**/result", timeout=60_000) as arrived:
                await transcribed(page)
            shown = await (await arrived.value).json()
        assert shown["bars"] == (await result(stack.edge_url))["bars"]
