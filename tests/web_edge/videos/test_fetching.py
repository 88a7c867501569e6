"""Videos through the real yt-dlp, from a server of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from music.errors import GenesisError, InvalidInput, Reason
from tests.web_edge.videos.media_server import SOUND, MediaServer, serving_media
from web_edge.videos.addresses import VideoAddress
from web_edge.videos.child import Refused, check_metadata
from web_edge.videos.fetching import Videos, plain_text
from web_edge.videos.settings import VideoSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
def site() -> Iterator[MediaServer]:
    with serving_media() as site:
        yield site


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def read(path: Path) -> bytes:
    return path.read_bytes()


def videos(site: MediaServer, **changed: Any) -> Videos:
    return Videos(VideoSettings(allowed=True, test_address=site.address, **changed))


async def test_a_video_s_sound_comes_and_is_gone_after(site: MediaServer, tmp_path: Path) -> None:
    fetcher = videos(site)
    async with fetcher.fetch(fetcher.address(f"{site.url}/song.wav"), tmp_path) as video:
        assert read(video.path) == SOUND
        assert (video.title, video.extractor) == ("song", "generic")
    assert left_in(tmp_path) == []


async def test_metadata_are_kept_as_text_without_tricks(site: MediaServer, tmp_path: Path) -> None:
    fetcher = videos(site)
    async with fetcher.fetch(fetcher.address(f"{site.url}/page"), tmp_path) as video:
        assert video.title.startswith("<script>alert(1)</script>gnp")
        assert video.title.isprintable()
    assert plain_text("a\u202eb\r\n\0c" + "n" * 4000) == ("abc" + "n" * 4000)[:200]
    assert plain_text(None) == ""


async def test_videos_are_off_unless_allowed() -> None:
    with pytest.raises(InvalidInput) as refusal:
        Videos(VideoSettings()).address("https://youtu.be/dQw4w9WgXcQ")
    assert "GENESIS_EDGE_VIDEOS=true" in refusal.value.message


def test_one_setting_allows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENESIS_EDGE_VIDEOS", "true")
    assert Videos(VideoSettings()).address("https://youtu.be/dQw4w9WgXcQ").extractor == "^youtube$"


async def test_production_settings_refuse_the_test_s_server(site: MediaServer, tmp_path: Path) -> None:
    production = Videos(VideoSettings(allowed=True))
    with pytest.raises(InvalidInput):
        production.address(f"{site.url}/song.wav")
    # And would not reach it if an address had slipped through: the name is on no list, the address not public.
    for hosts in ((), ("127.0.0.1",)):
        slipped = VideoAddress(f"{site.url}/song.wav", "^generic$", hosts)
        with pytest.raises(InvalidInput) as refusal:
            async with production.fetch(slipped, tmp_path):
                pass
        assert refusal.value.reason is Reason.URL_REFUSED
    assert site.asked == []


async def test_another_extractor_than_the_one_named_is_not_used(site: MediaServer, tmp_path: Path) -> None:
    wrong = VideoAddress(f"{site.url}/song.wav", "^youtube$", (), (site.address,))
    with pytest.raises(InvalidInput):
        async with videos(site).fetch(wrong, tmp_path):
            pass
    assert site.asked == []


@pytest.mark.parametrize(
    "target", ["other", "http://169.254.169.254/latest", "file:///etc/passwd", "http://localhost:1/"]
)
async def test_a_redirect_off_the_list_is_not_followed(site: MediaServer, tmp_path: Path, target: str) -> None:
    fetcher = videos(site)
    with serving_media() as other:
        site.redirect_to = f"{other.url}/song.wav" if target == "other" else target
        with pytest.raises(InvalidInput) as refusal:
            async with fetcher.fetch(fetcher.address(f"{site.url}/away.wav"), tmp_path):
                pass
        assert refusal.value.reason is Reason.URL_REFUSED
        assert other.asked == []
    assert left_in(tmp_path) == []


async def test_sound_without_an_end_is_cut_off(site: MediaServer, tmp_path: Path) -> None:
    fetcher = videos(site, max_bytes=300_000)
    with pytest.raises(InvalidInput) as refusal:
        async with fetcher.fetch(fetcher.address(f"{site.url}/endless.wav"), tmp_path):
            pass
    assert refusal.value.reason is Reason.AUDIO_TOO_LARGE
    assert left_in(tmp_path) == []


async def test_sound_announced_too_large_is_not_begun(site: MediaServer, tmp_path: Path) -> None:
    fetcher = videos(site, max_bytes=10_000)
    with pytest.raises(InvalidInput) as refusal:
        async with fetcher.fetch(fetcher.address(f"{site.url}/song.wav"), tmp_path):
            pass
    assert refusal.value.reason is Reason.AUDIO_TOO_LARGE


async def test_a_site_that_does_not_answer_is_given_up(site: MediaServer, tmp_path: Path) -> None:
    fetcher = videos(site, limit_s=4.0)
    with pytest.raises(GenesisError) as refusal:
        async with fetcher.fetch(fetcher.address(f"{site.url}/silent.wav"), tmp_path):
            pass
    assert refusal.value.reason is Reason.PROCESS_FAILED
    assert left_in(tmp_path) == []


async def test_whoever_stops_waiting_leaves_nothing(site: MediaServer, tmp_path: Path) -> None:
    fetcher = videos(site)
    async with anyio.create_task_group() as group:

        async def fetch() -> None:
            async with fetcher.fetch(fetcher.address(f"{site.url}/silent.wav"), tmp_path):
                pass

        group.start_soon(fetch)
        with anyio.fail_after(30):
            while not site.asked:  # noqa: ASYNC110 - another process gets there
                await anyio.sleep(0.02)
        group.cancel_scope.cancel()
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        ({"_type": "playlist", "entries": []}, "not_a_video"),
        (None, "not_a_video"),
        ({"duration": 10, "is_live": True}, "live"),
        ({"duration": 10, "live_status": "is_upcoming"}, "live"),
        ({"duration": 12 * 3600}, "too_long"),
        ({}, "too_long"),
        ({"duration": 10, "filesize_approx": 10**12}, "too_large"),
    ],
)
def test_what_only_metadata_show_is_refused_before_any_media(info: Any, kind: str) -> None:
    with pytest.raises(Refused) as refusal:
        check_metadata(info, 900, 10**8, knows_length=True)
    assert refusal.value.kind == kind
