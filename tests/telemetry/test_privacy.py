"""Nothing private leaves through a log."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.api_keys import make_key
from telemetry.privacy import hidden, hide_private

SCRIPT = """
import logging, structlog
from telemetry.logs import configure_logging
configure_logging("edge")
log = structlog.get_logger("x")
log.info("signed in alice@example.com", password="hunter22", nested={"refresh_token": "abc", "at": ["bob@example.org"]})
logging.getLogger("library").warning("connecting to nats://edge:s3cret@10.1.2.3:4222 with Bearer abc.def.ghi")
try:
    raise ValueError("smtp said: carol@example.com is unknown")
except ValueError:
    log.exception("mail.broke")
"""


def test_records_of_ours_and_of_libraries_are_cleared() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert len(lines) == 3
    for secret in ("alice", "bob", "carol", "hunter22", '"abc"', "s3cret", "edge:", "10.1.2.3", "abc.def"):
        assert secret not in done.stderr
    assert lines[0]["event"] == "signed in …@…"
    assert lines[1]["event"] == "connecting to nats://…@10.1.2.…:4222 with Bearer …"
    assert "ValueError" in lines[2]["exception"]


@pytest.mark.parametrize(
    "text", ["127.0.0.1:8000", "session.begun", "4b5c6d7e8f", "2026-11-25T20:15:13Z", "E♭maj7 @ 3"]
)
def test_what_is_nobodys_secret_stays(text: str) -> None:
    assert hidden(text) == text


def test_keys_are_known_by_how_they_look() -> None:
    key = make_key().text
    assert key[4:] not in hidden(f"asked with {key}")


@given(
    name=st.sampled_from(["password", "new_password", "Authorization", "set-cookie", "access_token"]), value=st.text()
)
def test_fields_of_secrets_say_nothing(name: str, value: str) -> None:
    assert hide_private(None, "info", {"event": "x", name: value}) == {"event": "x", name: "…"}


@given(text=st.text(max_size=300))
def test_clearing_twice_changes_nothing(text: str) -> None:
    assert hidden(hidden(text)) == hidden(text)
