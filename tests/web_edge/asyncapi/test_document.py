"""The served AsyncAPI document: valid by the published schema, whole, and what the frames are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from google.protobuf import json_format

from music.errors import InvalidInput, Reason
from tests.web_edge.accounts.conftest import Town
from tests.web_edge.asyncapi.schemas import DIALECT, Spoken
from tests.web_edge.conftest import Edge
from web_edge.asyncapi.document import CLOSE_CODES
from web_edge.asyncapi.messages import EVENT, MEMBERS, frames
from web_edge.frames import FRAME_TYPES, broken_frame, error_frame, event_frame, heartbeat_frame
from wire.codec import decode_event
from wire.gen.genesis.v1 import event_pb2

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = ROOT / "web_edge" / "ui" / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"
VECTORS = sorted((ROOT / "tests" / "vectors").glob("*.json"))


@pytest.fixture
async def document(edge: Edge) -> dict[str, Any]:
    return dict((await edge.http.get("/asyncapi.json")).json())


def check_published(document: dict[str, Any]) -> None:
    jsonschema_rs.validator_for(json.loads(PUBLISHED.read_text())).validate(document)


async def test_the_document_is_one(document: dict[str, Any], edge: Edge) -> None:
    check_published(document)
    assert document["servers"]["edge"] == {
        "host": edge.host,
        "protocol": "ws",
        "description": "the one that says this",
    }
    assert {channel["address"] for channel in document["channels"].values()} == {"/ws", "/ws/live"}
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({**schema, "$schema": DIALECT})


async def test_with_accounts_it_says_what_to_show(town: Town) -> None:
    document = (await town.edge.http.get("/asyncapi.json")).json()
    check_published(document)
    assert len(document["servers"]["edge"]["security"]) == 2


async def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    for reference in references_in(document):
        part: Any = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]


def references_in(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for value in part.values() for found in references_in(value)]
    return [found for value in part for found in references_in(value)] if isinstance(part, list) else []


def test_every_frame_and_every_payload_is_told() -> None:
    assert {told["name"] for told in frames().values()} == {*FRAME_TYPES.values(), "error", "heartbeat"}
    assert set(MEMBERS.values()) == {field.name for field in EVENT.oneofs_by_name["payload"].fields}


async def test_comments_of_the_contract_are_told(document: dict[str, Any]) -> None:
    note = document["components"]["schemas"]["Note"]
    assert note["properties"]["pitch"]["description"].startswith("MIDI pitch")
    assert document["components"]["messages"]["gap"]["summary"].startswith("Input that was lost")


async def test_every_recorded_session_is_what_the_document_says(document: dict[str, Any]) -> None:
    spoken, seen = Spoken(document), set()
    for path in VECTORS:
        for told in json.loads(path.read_text())["events"]:
            event = decode_event(json_format.ParseDict(told, event_pb2.SessionEvent(), ignore_unknown_fields=True))
            if event.session_id:
                seen.add(spoken.check_down(event_frame(event)))
    assert seen == set(FRAME_TYPES.values())
    wrong = InvalidInput(Reason.REQUEST_INVALID, "Said.", limit=3)
    for frame in (broken_frame("s1", wrong), error_frame(wrong), heartbeat_frame()):
        spoken.check_down(frame, "live")
        assert not spoken.may_be_sent(frame)


def test_a_frame_that_is_not_promised_is_noticed() -> None:
    from web_edge.asyncapi.document import document_of

    spoken = Spoken(document_of(accounts=False))
    for frame in (
        '{"type": "heartbeat"}',
        '{"type": "heartbeat", "time": 1, "new": 2}',
        '{"type": "error", "error": 1}',
    ):
        with pytest.raises(jsonschema_rs.ValidationError):
            spoken.check_down(frame)


async def test_the_codes_that_tests_see_are_told() -> None:
    assert {1000, 1007, 1008, 1009, 1012, 1013} <= set(CLOSE_CODES)
