"""Addresses are refused by how they are spelled; nothing is looked up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.errors import InvalidInput, Reason
from web_edge.videos.addresses import checked_test_address, video_address

ID = "dQw4w9WgXcQ"
CANONICAL = f"https://www.youtube.com/watch?v={ID}"


@pytest.mark.parametrize(
    "text",
    [
        CANONICAL,
        f"http://youtube.com/watch?v={ID}",
        f"https://m.youtube.com/watch?list=PL123&v={ID}&t=3",
        f"https://music.youtube.com/watch?v={ID}#t=1",
        f"https://youtu.be/{ID}?si=abc",
        f"https://www.youtube.com/shorts/{ID}",
        f"https://www.youtube.com/embed/{ID}/",
        f"HTTPS://WWW.YOUTUBE.COM/watch?v={ID}",
    ],
)
def test_an_address_is_written_anew(text: str) -> None:
    found = video_address(text)
    assert (found.url, found.extractor, found.addresses) == (CANONICAL, "^youtube$", ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ytsearch:guitar",
        "ytsearch5:guitar",
        "-o/etc/passwd",
        "--exec=id",
        "file:///etc/passwd",
        "ftp://www.youtube.com/watch?v=" + ID,
        "javascript:alert(1)",
        "http://127.0.0.1/" + ID,
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost:8000/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        f"https://user@www.youtube.com/watch?v={ID}",
        f"https://www.youtube.com@127.0.0.1/watch?v={ID}",
        f"https://www.youtube.com:8443/watch?v={ID}",
        f"https://www.youtube.com:/watch?v={ID}",
        f"https://127.0.0.1\\@www.youtube.com/watch?v={ID}",
        f"https://www.youtube.com.evil.example/watch?v={ID}",
        f"https://evilyoutube.com/watch?v={ID}",
        f"https://www.youtube.com./watch?v={ID}",
        f"https://www.youtubе.com/watch?v={ID}",
        f"https://www.youtube.com/watch?v={ID}&v=aaaaaaaaaaa",
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/playlist?list=PL123",
        "https://www.youtube.com/@channel/videos",
        "https://www.youtube.com/redirect?q=http://127.0.0.1/",
        f"https://www.youtube.com/watch?v={ID} ",
        f"https://www.youtube.com/watch?v={ID}\r\nHost: x",
        f"https://www.youtube.com/watch?v={ID}\0",
        "https://www.youtube.com:x/",
        "https://[::1/",
        "https://www.youtube.com/watch?v=" + "a" * 5000,
        "https://www.youtube.com/watch?" + "a=1&" * 400 + f"v={ID}",
    ],
)
def test_what_is_no_video_of_the_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        video_address(text)
    assert refusal.value.reason is Reason.URL_REFUSED
    assert "upload the recording" in refusal.value.message


@given(st.text() | st.builds("https://{}/watch?v={}".format, st.text(), st.text()))
def test_any_text_is_refused_or_one_of_our_addresses(text: str) -> None:
    try:
        found = video_address(text)
    except InvalidInput:
        return
    assert found.url.startswith("https://www.youtube.com/watch?v=")
    assert len(found.url) == len(CANONICAL)


def test_the_test_s_address_is_no_address_in_production() -> None:
    allowed = video_address("http://127.0.0.1:8123/a.wav", test_address="127.0.0.1:8123")
    assert (allowed.url, allowed.extractor, allowed.hosts) == ("http://127.0.0.1:8123/a.wav", "^generic$", ())
    for text, test_address in (
        ("http://127.0.0.1:8123/a.wav", ""),
        ("http://127.0.0.1:8124/a.wav", "127.0.0.1:8123"),
        ("http://x@127.0.0.1:8123/a.wav", "127.0.0.1:8123"),
        ("https://127.0.0.1:8123/a.wav", "127.0.0.1:8123"),
    ):
        with pytest.raises(InvalidInput):
            video_address(text, test_address=test_address)


@pytest.mark.parametrize(
    "address", ["example.com:80", "10.0.0.1:80", "127.0.0.1", "127.0.0.1:0", "0.0.0.0:80", "8.8.8.8:1"]
)
def test_a_test_address_is_a_port_of_loopback(address: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked_test_address(address)
    assert refusal.value.reason is Reason.CONFIG_INVALID
