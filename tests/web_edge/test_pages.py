"""The page, its caching, and what stands in its place before it is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web_edge.conftest import Edge

pytestmark = pytest.mark.anyio


def build(edge: Edge) -> None:
    files = {"index.html": "<!doctype html>page", "assets/main-1a2b.js": "code", "favicon.svg": "<svg/>"}
    for name, text in files.items():
        path = edge.settings.ui_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


async def test_a_page_that_is_not_built_says_how(edge: Edge) -> None:
    answer = await edge.http.get("/")
    assert answer.status_code == 503
    assert "make ui" in answer.text
    build(edge)
    assert (await edge.http.get("/")).text == "<!doctype html>page"


async def test_hashed_files_are_kept_and_the_page_is_asked_for(edge: Edge) -> None:
    build(edge)
    page = await edge.http.get("/")
    assert page.headers["cache-control"] == "no-cache"
    script = await edge.http.get("/assets/main-1a2b.js")
    assert "immutable" in script.headers["cache-control"]
    assert (await edge.http.get("/favicon.svg")).headers["cache-control"] == "no-cache"
    again = await edge.http.get("/", headers={"if-none-match": page.headers["etag"]})
    assert again.status_code == 304
    assert (await edge.http.get("/assets/gone.js")).status_code == 404


async def test_no_path_leads_out_of_the_folder(edge: Edge) -> None:
    build(edge)
    (Path(edge.settings.ui_dir).parent / "secret.txt").write_text("secret")
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/%00"):
        assert (await edge.http.get(path)).status_code == 404


async def test_the_demo_piece_is_served_with_ranges(edge: Edge) -> None:
    folder = edge.settings.demo
    folder.mkdir(parents=True)
    (folder / "demo.wav").write_bytes(bytes(range(100)))
    (folder / "demo.json").write_text("{}")
    assert (await edge.http.get("/demo/demo.json")).json() == {}
    part = await edge.http.get("/demo/demo.wav", headers={"range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == bytes(range(10, 20))
    assert part.headers["content-type"].startswith("audio/")
