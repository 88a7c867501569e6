"""Keys and the directory that tells the doors about them, on a real bus."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.api_keys import KeyRecord, id_in, make_key
from access.caller import Scope
from access.directory import drop_key, find_key, put_key, revoke_before, revoked_before_s
from tests.support.nats import running_bus


def test_a_key_is_known_again_and_nothing_else_is() -> None:
    key = make_key()
    record = KeyRecord(key.id, key.sha256, "alice", frozenset({Scope.READ}), int(time.time()) + 60)
    assert id_in(key.text) == key.id
    assert key.text.split("_", 2)[2] not in repr(record)
    assert record.fits(key.text, time.time())
    assert not record.fits(key.text, time.time() + 61)
    assert not record.fits(key.text[:-1] + ("A" if key.text[-1] != "A" else "B"), time.time())
    assert not record.fits("gm_\ud800", time.time())


@given(text=st.text(max_size=80))
def test_other_texts_name_no_key(text: str) -> None:
    assert id_in(text) is None


@pytest.mark.anyio
async def test_the_directory_tells_what_was_put_there(tmp_path: Path) -> None:
    async with running_bus(tmp_path) as (_, bus):
        key = make_key()
        record = KeyRecord(key.id, key.sha256, "alice", frozenset({Scope.READ, Scope.WRITE}), 7)
        assert await find_key(bus, key.id) is None
        await drop_key(bus, key.id)
        await put_key(bus, record)
        assert await find_key(bus, key.id) == record
        await drop_key(bus, key.id)
        assert await find_key(bus, key.id) is None
        assert await revoked_before_s(bus, "alice") == 0
        await revoke_before(bus, "alice", 1_000, keep_s=60)
        await revoke_before(bus, "alice", 2_000, keep_s=60)
        assert await revoked_before_s(bus, "alice") == 2_000
        assert await revoked_before_s(bus, "bob") == 0
