"""What goes down a WebSocket names every kind of event."""

from __future__ import annotations

from typing import get_args

from music.events import Payload
from web_edge.frames import FRAME_TYPES


def test_every_event_has_a_frame_of_its_own() -> None:
    assert set(FRAME_TYPES) == set(get_args(Payload))
    assert len(set(FRAME_TYPES.values())) == len(FRAME_TYPES)
