"""Note values on the staff of a finished tab, in a real browser: what is drawn is what the server wrote down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.e2e.test_page_player import transcribed
from tests.support.browser import open_page
from tests.support.stack import running_stack

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.timeout(180)]

WHOLE = 1
WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=360, height=740)
# A head beside the stem, in a chord or under the other voice's, stands a head's width from its digit.
ALIGNED_PX, ASIDE_PX = 2.5, 16
CENTRES = """nodes => nodes.map(node => {
    const box = (node.querySelector('.target, text') ?? node).getBoundingClientRect();
    return [node.dataset.of ?? node.dataset.noteId, box.left + box.width / 2, box.top];
})"""


async def sheet_of(edge_url: str) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=edge_url) as http:
        (item,) = (await http.get("/api/transcribe")).json()["items"]
        answer = await http.get(f"/api/transcribe/{item['id']}/notation")
        assert answer.status_code == 200
        return dict(answer.json())


def voices_of(bar: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [voice for voice in bar["voices"] if voice]


def rests_in(bar: dict[str, Any]) -> int:
    """A silent bar has one rest; two voices that rest together for as long share one."""
    voices = [[symbol for symbol in voice if not symbol["heads"]] for voice in voices_of(bar)]
    if all(len(rests) == len(voice) for rests, voice in zip(voices, voices_of(bar), strict=True)):
        return 1
    shared = {(str(r["at"]), r["base"]) for r in voices[0]} & {(str(r["at"]), r["base"]) for r in voices[-1]}
    return sum(map(len, voices)) - (len(shared) if len(voices) > 1 else 0)


async def expect_as_written(page: Page, sheet: dict[str, Any]) -> None:
    symbols = [symbol for bar in sheet["bars"] for voice in voices_of(bar) for symbol in voice]
    sounding = [symbol for symbol in symbols if symbol["heads"]]
    heads = [head for symbol in sounding for head in symbol["heads"]]
    brackets = {
        (bar["number"], number, symbol["tuplet"]["group"])
        for bar in sheet["bars"]
        for number, voice in enumerate(voices_of(bar))
        for symbol in voice
        if symbol["tuplet"]
    }
    assert brackets, "the demo has triplets"
    await expect(page.locator(".written .head")).to_have_count(len(heads))
    await expect(page.locator(".written .head[data-tied]")).to_have_count(sum(not head["begins"] for head in heads))
    await expect(page.locator(".written.rest")).to_have_count(sum(rests_in(bar) for bar in sheet["bars"]))
    await expect(page.locator(".vf-tuplet")).to_have_count(len(brackets))
    await expect(page.locator(".vf-stem")).to_have_count(sum(symbol["base"] > WHOLE for symbol in sounding))
    assert await page.locator(".tie").count() >= sum(head["tied"] for head in heads)
    for base in {symbol["base"] for symbol in sounding}:
        drawn = page.locator(f'.written.sounding[data-base="{base}"]')
        await expect(drawn).to_have_count(sum(symbol["base"] == base for symbol in sounding))
    dotted = page.locator('.written.sounding:not([data-dots="0"])')
    await expect(dotted).to_have_count(sum(symbol["dots"] > 0 for symbol in sounding))


async def expect_aligned(page: Page) -> None:
    """Digits stand under the heads that they play."""
    digits = {name: (x, y) for name, x, y in await page.locator("[data-note-id]").evaluate_all(CENTRES)}
    heads = await page.locator(".written .head[data-of]").evaluate_all(CENTRES)
    off = [abs(x - digits[name][0]) for name, x, _ in heads]
    assert max(off) <= ASIDE_PX
    assert sum(distance <= ALIGNED_PX for distance in off) >= 0.8 * len(off)
    assert all(y < digits[name][1] for name, _, y in heads), "the staff is above the tab"


async def test_a_finished_tab_has_the_note_values_that_the_server_wrote(tmp_path: Path) -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await page.set_viewport_size(WIDE)
            notation = page.get_by_label("Notes as")
            await notation.select_option("tab_and_score")
            await transcribed(page)
            await expect(page.locator(".written").first).to_be_attached(timeout=20_000)
            sheet = await sheet_of(stack.edge_url)
            await expect_as_written(page, sheet)
            await expect_aligned(page)
            await page.screenshot(path=tmp_path / "wide.png", full_page=True)
            await page.set_viewport_size(NARROW)
            await expect(page.locator(".system").first).to_be_visible()
            await expect_as_written(page, sheet)
            await expect_aligned(page)
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            await page.screenshot(path=tmp_path / "narrow.png", full_page=True)
            # By keyboard: the switch, and from note to note on the staff alone.
            await notation.focus()
            await page.keyboard.press("ArrowDown")
            await expect(notation).to_have_value("score")
            await expect(page.locator(".written .head[data-note-id]").first).to_be_attached()
            await page.locator(".systems").focus()
            await page.keyboard.press("ArrowRight")
            await page.keyboard.press("Enter")
            await expect(page.locator(".popover")).to_be_visible()
            await page.keyboard.press("Escape")
            await page.emulate_media(media="print")
            await expect(page.locator(".written.sounding").first).to_be_visible()
            await page.emulate_media(media="screen")
            await notation.select_option("tab")
            await expect(page.locator(".written")).to_have_count(0)


async def test_other_bars_are_written_anew() -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await page.get_by_label("Notes as").select_option("tab_and_score")
            await transcribed(page)
            triplets = page.locator(".vf-tuplet")
            await expect(triplets.first).to_be_attached(timeout=20_000)
            before = await triplets.count()
            await page.get_by_text("Bars", exact=True).click()
            await page.locator('[data-setting="metre"]').select_option("4/4")
            await page.locator('[data-setting="tempo"]').fill("200")
            await page.get_by_role("button", name="Set bars").click()
            await expect(page.locator('[data-setting="version"]')).not_to_have_value("", timeout=20_000)
            await expect(page.locator(".vf-timesignature").first).to_be_attached()
            await expect(triplets).not_to_have_count(before)
            await page.locator('[data-setting="version"]').select_option("")
            await expect(triplets).to_have_count(before)
