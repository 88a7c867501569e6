"""What a page is told that it may offer."""

from __future__ import annotations

import pytest

from tests.web_edge.conftest import Edge, running_edge
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio


async def test_it_says_what_this_server_does(edge: Edge) -> None:
    told = await edge.http.get("/api/features")
    assert told.json() == {"videos": False, "longest_video_s": None, "largest_upload_bytes": 200_000_000}
    again = await edge.http.get("/api/features", headers={"If-None-Match": told.headers["etag"]})
    assert again.status_code == 304


async def test_videos_are_offered_where_they_are_allowed(
    edge_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENESIS_EDGE_VIDEOS", "true")
    async with running_edge(edge_settings) as edge:
        told = (await edge.http.get("/api/features")).json()
    assert (told["videos"], told["longest_video_s"]) == (True, 900.0)
