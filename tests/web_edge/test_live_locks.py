"""`rhythm:lock` on `/ws/live`: passed on as it is meant, refused without harm, and kept for what comes afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.beats import NO_LOCK, RhythmLock, TimeSignature
from music.errors import InvalidInput, Reason
from music.rhythm_locks import MOST_LOCKS, MOST_TAPS, LockRequest
from tests.web_edge.asyncapi.schemas import Spoken
from tests.web_edge.conftest import Edge
from tests.web_edge.fakes import FakeOrchestrator
from tests.web_edge.test_following import Reader, ask, socket_to
from tests.web_edge.test_live import CHUNK, start
from web_edge.bars_options import request_from_json

pytestmark = pytest.mark.anyio

SECOND = 22_050
THREE = TimeSignature(3, 4)


async def test_what_is_decided_goes_up_and_what_holds_comes_down(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    reader = Reader()
    async with socket_to(edge, "/ws/live") as ws:
        await start(ws)
        await ws.send(CHUNK)
        await ask(ws, type="rhythm:lock", tempo_bpm=96, time_signature="3/4")
        locked = await reader.read(ws, until="rhythm:locked")
        lock = {"tempoBpm": 96.0, "timeSignature": {"count": 3, "unit": 4}}
        assert locked["event"]["rhythm"] == {"lock": lock, "revision": 1, "atS": 0.5}
        await ask(ws, type="rhythm:lock", bar_one_s=0.5, taps_s=[1, 1.5])
        await ask(ws, type="rhythm:lock", tempo_bpm=None, at_s=2)
        await ws.send(CHUNK)
        await ask(ws, type="stop")
        await ask(ws, type="rhythm:lock", tempo_bpm=50)  # it comes too late
        assert (await reader.read(ws))["type"] == "job:complete"
    held = RhythmLock(96.0, THREE, SECOND // 2, (SECOND, SECOND * 3 // 2))
    assert orchestrator.locks == [
        LockRequest(RhythmLock(96.0, THREE)),
        LockRequest(held),
        LockRequest(RhythmLock(None, THREE, held.bar_one, held.taps), 2 * SECOND),
    ]
    assert reader.state.lock == orchestrator.locks[-1].lock
    await check_kept(edge, locked["id"])


async def check_kept(edge: Edge, job: str) -> None:
    """What was decided live is what the result and the documents of it begin with."""
    decided = {"tempo_bpm": None, "time_signature": "3/4", "bar_one_s": 0.5, "taps_s": [1.0, 1.5]}
    result = (await edge.http.get(f"/api/transcribe/{job}/result")).json()
    assert result["rhythm"] == decided
    faster = (await edge.http.post(f"/api/transcribe/{job}/bars", json={"time_signature": "2/4"})).json()
    assert faster["rhythm"] == {**decided, "time_signature": "2/4"}
    assert faster["document"]["settings"]["rhythm"] == faster["rhythm"]
    asked = {"document": faster["document"]["id"], **dict.fromkeys(decided)}
    free = (await edge.http.post(f"/api/transcribe/{job}/bars", json=asked)).json()
    assert "rhythm" not in free
    arranged = (await edge.http.post(f"/api/transcribe/{job}/arrange", json={"capo": 1})).json()
    assert arranged["rhythm"] == decided
    assert (await edge.http.get(f"/api/transcribe/{job}/result")).json() == result


BAD: list[dict[str, Any]] = [
    {"tempo_bpm": 19.9},
    {"tempo_bpm": "fast"},
    {"tempo_bpm": True},
    {"time_signature": "4/3"},
    {"time_signature": 3},
    {"bar_one_s": -1},
    {"bar_one_s": 1e9},
    {"taps_s": [2, 1]},
    {"taps_s": [0.1 * n for n in range(MOST_TAPS + 1)]},
    {"taps_s": "1,2"},
    {"taps_s": [None]},
    {"at_s": -0.5},
    {"at_s": "now"},
    {"tempo": 96},
]


async def test_a_slip_of_the_hand_is_told_and_ends_nothing(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    spoken = Spoken((await edge.http.get("/asyncapi.json")).json())
    reader = Reader()
    async with socket_to(edge, "/ws/live") as ws:
        await start(ws)
        for bad in BAD:
            await ask(ws, type="rhythm:lock", **bad)
            refused = await reader.read(ws, until="error")
            assert refused["error"]["reason"] == Reason.RHYTHM_LOCK_INVALID, bad
            spoken.check_down(json.dumps(refused), "live")
        good = {"type": "rhythm:lock", "tempo_bpm": 120, "time_signature": None, "taps_s": []}
        assert spoken.may_be_sent(json.dumps(good), "live")
        await ask(ws, **good)
        spoken.check_down(json.dumps(await reader.read(ws, until="rhythm:locked")), "live")
        await ws.send(CHUNK)
        await ask(ws, type="stop")
        assert (await reader.read(ws))["type"] == "job:complete"
    assert orchestrator.locks == [LockRequest(RhythmLock(120.0))]


async def test_there_is_an_end_to_deciding(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    reader = Reader()
    async with socket_to(edge, "/ws/live") as ws:
        await start(ws)
        for number in range(MOST_LOCKS + 1):
            await ask(ws, type="rhythm:lock", tempo_bpm=40 + number)
        refused = await reader.read(ws, until="error")
        assert refused["error"]["reason"] == Reason.RHYTHM_LOCK_LIMIT
        await ws.send(CHUNK)
        await ask(ws, type="stop")
        await reader.read(ws, until="job:complete")
    assert len(orchestrator.locks) == MOST_LOCKS


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["3/4", "6/8", "4/4"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["tempo_bpm", "time_signature", "bar_one_s", "taps_s", "at_s", "type"]) | st.text(max_size=6)


@settings(deadline=None)
@given(st.dictionaries(names, json_values, max_size=5))
def test_any_frame_is_a_lock_or_is_refused_with_its_reason(frame: dict[str, Any]) -> None:
    found: object = None
    try:
        found = request_from_json(frame, NO_LOCK)
    except InvalidInput as error:
        found = error.reason
    assert found is Reason.RHYTHM_LOCK_INVALID or isinstance(found, LockRequest)
