"""The page of a server with accounts, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from access.tokens import write_key_pair
from tests.support.browser import open_page
from tests.support.demo import demo_wav
from tests.support.stack import running_stack

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.timeout(180)]

PASSWORD = "correct horse battery"  # noqa: S105 - of somebody made up


async def fill_in(page: Page, email: str) -> None:
    await page.locator('input[name="email"]').fill(email)
    await page.locator('input[name="password"]').fill(PASSWORD)
    await page.locator('[data-action="sign-in"]').click()


async def test_one_registers_plays_comes_back_and_leaves(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    write_key_pair(key, tmp_path / "key.pem.pub")
    with running_stack(arguments=("--keys", str(key))) as stack:
        async with open_page(stack.edge_url) as page:
            await expect(page.locator("main")).to_be_hidden()
            await fill_in(page, "alice@example.com")
            await expect(page.get_by_role("alert")).to_have_text("The address or the password is wrong.")
            await page.locator('[data-action="register"]').click()
            await fill_in(page, "alice@example.com")
            await expect(page.locator(".account")).to_contain_text("alice@example.com")
            # The tab comes down a WebSocket that a ticket opens.
            await page.locator('input[type="file"]').set_input_files(demo_wav())
            await expect(page.locator('[data-phase="done"]')).to_be_attached(timeout=90_000)
            assert await page.locator("[data-note-id]").count() > 20
            await page.locator('[data-action="export"]').click()
            async with page.expect_download() as download:
                await page.locator('[data-export="txt"]').click()
            assert (await download.value).suggested_filename.endswith(".txt")
            # The cookie brings her back.
            await page.reload()
            await expect(page.locator(".account")).to_contain_text("alice@example.com")
            await expect(page.locator("main")).to_contain_text(demo_wav().name)
            await page.locator('[data-action="sign-out"]').click()
            await expect(page.locator('[data-action="sign-in"]')).to_be_visible()
            await expect(page.locator("main")).to_be_hidden()
            assert demo_wav().name not in await page.content()
