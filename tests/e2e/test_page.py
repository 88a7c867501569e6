"""The page in a real browser, against the real stack: what a visitor sees."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import anyio
import guitarpro
import pytest
from playwright.async_api import Page, expect

from tests.support.browser import open_page
from tests.support.demo import demo_truth, demo_wav
from tests.support.stack import running_stack

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.timeout(180)]

DIGITS_WITHIN_S = 3.5
DRAWN_WITHIN_S = 10
SETTLED = '[data-note-id][data-state="committed"], [data-note-id][data-state="ended"]'


async def sent_s(page: Page) -> tuple[float, float]:
    """Seconds of audio sent so far, and of the whole piece."""
    root = page.locator("[data-phase]")
    return float(await root.get_attribute("data-sent-s") or 0), float(await root.get_attribute("data-total-s") or 0)


async def start_demo(page: Page) -> None:
    await page.get_by_role("button", name="Demo").click()
    await expect(page.locator('[data-phase="recording"]')).to_be_attached(timeout=15_000)


async def first_digit_at(page: Page) -> float:
    """Seconds of audio sent when the first digit stands on the page."""
    await page.locator("[data-note-id]").first.wait_for(state="attached", timeout=15_000)
    return (await sent_s(page))[0]


async def shown_matches(page: Page) -> int:
    """How many true notes of the demo stand on the page: same pitch's string and fret aside, onset within 50 ms."""
    shown = await page.locator(SETTLED).evaluate_all("nodes => nodes.map(node => Number(node.dataset.onset))")
    truth = [note["onset_s"] for note in demo_truth()["notes"]]
    return sum(any(abs(onset - other) <= 0.05 for other in shown) for onset in truth)


async def test_the_demo_is_written_while_it_plays(tmp_path: Path) -> None:
    first_note_s = min(note["onset_s"] for note in demo_truth()["notes"])
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await start_demo(page)
            at = await first_digit_at(page)
            sent, total = await sent_s(page)
            assert at - first_note_s <= DIGITS_WITHIN_S
            assert sent < total, "digits stand before the last chunk has been sent"
            await expect(page.locator('[data-phase="done"]')).to_be_attached(timeout=90_000)
            assert await page.locator('[data-note-id][data-state="tentative"]').count() == 0
            await expect_most_of_the_truth(page)
            await page.screenshot(path=tmp_path / "done.png", full_page=True)


async def test_without_the_bus_no_digit_is_added() -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await start_demo(page)
            await page.locator(SETTLED).nth(5).wait_for(state="attached", timeout=20_000)
            # Stopped, not killed: the supervisor would bring a killed one back.
            os.kill(stack.pids["nats"], signal.SIGSTOP)
            try:
                cut_at = (await sent_s(page))[0]
                # What was acknowledged before the cut may still be on its way to the page.
                await wait_until_sent(page, cut_at + 0.5)
                digits = await page.locator("[data-note-id]").count()
                await wait_until_sent(page, cut_at + 5.0)
                assert await page.locator("[data-note-id]").count() <= digits
            finally:
                os.kill(stack.pids["nats"], signal.SIGCONT)


async def expect_most_of_the_truth(page: Page) -> None:
    """Waits for the drawing: it may follow the last event by a few frames of the browser."""
    least = 0.8 * len(demo_truth()["notes"])
    with anyio.move_on_after(DRAWN_WITHIN_S):
        while await shown_matches(page) < least:
            await page.evaluate("() => new Promise(requestAnimationFrame)")
    assert await shown_matches(page) >= least


async def wait_until_sent(page: Page, until_s: float) -> None:
    await page.wait_for_function(
        "until => Number(document.querySelector('[data-phase]').dataset.sentS) >= until", arg=until_s, timeout=30_000
    )


async def test_a_file_is_transcribed_on_the_page() -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await page.locator('input[type="file"]').set_input_files(demo_wav())
            await expect(page.locator('[data-phase="done"]')).to_be_attached(timeout=60_000)
            await expect_most_of_the_truth(page)


async def test_a_file_that_is_no_audio_is_refused_in_a_sentence(tmp_path: Path) -> None:
    bad = tmp_path / "song.wav"
    bad.write_text("this is not a song\n" * 100)
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await page.locator('input[type="file"]').set_input_files(bad)
            await expect(page.locator('[data-phase="failed"]')).to_be_attached(timeout=30_000)
            message = await page.get_by_role("alert").inner_text()
            assert len(message.split()) >= 4
            assert "undefined" not in message


async def test_the_microphone_is_transcribed_until_it_is_stopped() -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url, microphone=demo_wav()) as page:
            await page.get_by_role("button", name="Microphone").click()
            await page.locator(SETTLED).nth(3).wait_for(state="attached", timeout=30_000)
            await page.get_by_role("button", name="Stop").click()
            await expect(page.locator('[data-phase="done"]')).to_be_attached(timeout=20_000)
            assert await page.locator(SETTLED).count() >= 4
            assert await page.locator('[data-note-id][data-state="tentative"]').count() == 0


async def test_a_finished_tab_is_exported_and_printed(tmp_path: Path) -> None:
    with running_stack() as stack:
        async with open_page(stack.edge_url) as page:
            await page.locator('input[type="file"]').set_input_files(demo_wav())
            await expect(page.locator('[data-phase="done"]')).to_be_attached(timeout=60_000)
            await page.locator('[data-action="export"]').click()
            async with page.expect_download() as started:
                await page.locator('[data-export="gp5"]').click()
            download = await started.value
            assert download.suggested_filename == "demo.gp5"
            assert guitarpro.parse(await download.path()).tracks[0].name == "Guitar"
            printed = tmp_path / "tab.pdf"
            await page.pdf(path=printed, format="A4")
            assert printed.read_bytes().count(b"/Type /Page\n") >= 1
            await page.emulate_media(media="print")
            for hidden in (".masthead", ".desk", ".tools", "footer"):
                await expect(page.locator(hidden).first).to_be_hidden()
            await expect(page.locator(".sheet h2")).to_be_visible()
            width = await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            assert width, "the tab fits the paper"
