"""Whatever the rules can say comes back unchanged from the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.audio import sample_at, seconds
from music.errors import InvalidInput, Reason
from music.events import (
    AudioEncoding,
    AudioFormat,
    CadenceChanged,
    EndReason,
    GapFound,
    ModelReference,
    NoteRevised,
    Payload,
    Progressed,
    RunnerChanged,
    Separation,
    SeparationChosen,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionStarted,
    SnapshotTaken,
    UnknownEvent,
)
from music.note import Alternative, Note, NoteState, PitchBend, Technique
from music.player import DEFAULT_PLAYER
from music.tuning import TUNINGS, Instrument, Position
from music.window_schedule import WindowSchedule
from tests.music.test_player import players
from wire.codec import decode_event, encode_event
from wire.config_codec import decode_config, encode_config
from wire.gen.genesis.v1 import event_pb2, note_pb2, session_pb2
from wire.note_codec import decode_note, encode_note

TWO_DAYS = 22_050 * 3600 * 48
samples = st.integers(0, TWO_DAYS)
unit = st.floats(0, 1)
words = st.text(max_size=12)
unix_ns = st.integers(0, 4_000_000_000 * 10**9)
positions = st.builds(Position, st.integers(1, 8), st.integers(0, 24))
techniques = st.builds(Technique, words, words, unit, st.none() | st.floats(-12, 12))
notes = st.builds(
    Note,
    id=words,
    state=st.sampled_from(NoteState),
    onset=samples,
    pitch=st.integers(0, 127),
    offset=st.none() | samples,
    velocity=unit,
    confidence=unit,
    stability=unit,
    position=st.none() | positions,
    alternatives=st.lists(st.builds(Alternative, positions, st.floats(0, 1e6)), max_size=3).map(tuple),
    bends=st.lists(st.builds(PitchBend, samples, st.floats(-12, 12)), max_size=3).map(tuple),
    techniques=st.lists(st.builds(Technique, words, words, unit, st.none() | st.floats(-12, 12)), max_size=2).map(
        tuple
    ),
    flags=st.lists(words, max_size=2).map(tuple),
    string_evidence=st.lists(unit, max_size=8).map(tuple),
)
instruments = st.builds(Instrument, st.sampled_from(sorted(TUNINGS.values())), st.integers(0, 12), st.integers(12, 36))
schedules = st.tuples(st.integers(0, 2**20), st.integers(1, 2**20), st.integers(0, 2**20), st.integers(0, 2**20)).map(
    lambda n: WindowSchedule(n[0] + n[1] + min(n[1], n[2]) + n[3], n[1], min(n[1], n[2]), n[3])
)
chosen = st.builds(SeparationChosen, st.sampled_from(Separation), samples, words, samples, st.none() | unit)
configs = st.builds(
    SessionConfig,
    audio=st.builds(AudioFormat, st.sampled_from(AudioEncoding), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    instrument=instruments,
    transcriber=words,
    separation=st.sampled_from(Separation),
    session_id=words,
    player=players,
    separation_schedule=st.none() | schedules,
)
started = st.builds(
    SessionStarted, configs, st.lists(st.builds(ModelReference, words, words, words), max_size=2).map(tuple), unix_ns
)
gaps = st.builds(GapFound, samples, samples, words)
ended = st.builds(SessionEnded, st.sampled_from(EndReason), samples)
failed = st.builds(SessionFailed, st.sampled_from(Reason), words, samples)
payloads: st.SearchStrategy[Payload] = st.one_of(
    started,
    st.builds(NoteRevised, notes),
    st.builds(Progressed, samples, st.none() | samples),
    st.builds(CadenceChanged, samples, words),
    st.builds(RunnerChanged, words, words),
    gaps,
    chosen,
    ended,
    failed,
    st.builds(
        SnapshotTaken,
        sequence=st.integers(0, 2**63),
        attempt=st.integers(0, 2**31),
        processed_until=samples,
        started=st.none() | started,
        notes=st.lists(notes, max_size=3).map(tuple),
        gaps=st.lists(gaps, max_size=2).map(tuple),
        ended=st.none() | ended,
        failed=st.none() | failed,
        separation=st.none() | chosen,
    ),
)
events = st.builds(
    SessionEvent,
    session_id=words,
    sequence=st.integers(0, 2**63),
    attempt=st.integers(0, 2**31),
    previous_durable_sequence=st.integers(0, 2**63),
    processed_until=samples,
    created_at_ns=unix_ns,
    payload=payloads,
)


@given(samples)
def test_seconds_lose_no_sample_in_two_days(sample: int) -> None:
    assert sample_at(seconds(sample)) == sample


@given(events)
def test_every_event_survives_its_bytes(event: SessionEvent) -> None:
    raw = encode_event(event).SerializeToString()
    assert decode_event(event_pb2.SessionEvent.FromString(raw)) == event


@given(notes)
def test_every_note_survives_its_bytes(note: Note) -> None:
    assert decode_note(note_pb2.Note.FromString(encode_note(note).SerializeToString())) == note


@given(configs)
def test_every_configuration_survives_its_bytes(config: SessionConfig) -> None:
    raw = encode_config(config).SerializeToString()
    assert decode_config(session_pb2.SessionConfig.FromString(raw)) == config


def refused(message: session_pb2.SessionConfig) -> Reason:
    with pytest.raises(InvalidInput) as caught:
        decode_config(message)
    return caught.value.reason


def test_a_bad_configuration_is_refused_by_name() -> None:
    assert refused(session_pb2.SessionConfig()) is Reason.ENCODING_UNSUPPORTED
    good = encode_config(SessionConfig(AudioFormat(AudioEncoding.PCM_S16LE, 44_100, 1)))
    for field, value, reason in [("capo", 13, Reason.CAPO_INVALID), ("fret_count", 99, Reason.CONFIG_INVALID)]:
        bad = session_pb2.SessionConfig()
        bad.CopyFrom(good)
        setattr(bad.instrument, field, value)
        assert refused(bad) is reason
    odd = session_pb2.SessionConfig()
    odd.CopyFrom(good)
    odd.separation_schedule.hop = 4
    assert refused(odd) is Reason.CONFIG_INVALID
    good.instrument.tuning[:] = [64, 59, 55]
    assert refused(good) is Reason.TUNING_INVALID


def test_an_empty_instrument_is_a_guitar_in_standard_tuning() -> None:
    message = encode_config(SessionConfig(AudioFormat(AudioEncoding.CONTAINER)))
    message.ClearField("instrument")
    assert decode_config(message).instrument == Instrument()


@pytest.mark.parametrize("previous", [0, 7])
def test_an_event_of_a_later_version_keeps_its_place(previous: int) -> None:
    later = event_pb2.SessionEvent(session_id="s", sequence=9, previous_durable_sequence=previous)
    # Field 500, of which nothing is known here: a length, and as many bytes.
    event = decode_event(event_pb2.SessionEvent.FromString(later.SerializeToString() + b"\xa2\x1f\x02\x08\x01"))
    assert event.payload == UnknownEvent(is_durable=previous > 0)
    assert (event.sequence, event.previous_durable_sequence) == (9, previous)
    assert decode_event(encode_event(event)) == event


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(InvalidInput):
        decode_event(event_pb2.SessionEvent.FromString(b"\xa2\x1f\x02\x08\x01"))


def test_a_player_who_asks_for_nothing_costs_nothing_on_the_wire() -> None:
    message = encode_config(SessionConfig(AudioFormat(AudioEncoding.CONTAINER)))
    assert not message.HasField("player")
    assert decode_config(message).player == DEFAULT_PLAYER


def test_a_difficulty_nobody_knows_is_refused() -> None:
    message = encode_config(SessionConfig(AudioFormat(AudioEncoding.CONTAINER)))
    message.player.difficulty = "wizard"
    with pytest.raises(InvalidInput) as refused:
        decode_config(message)
    assert refused.value.reason is Reason.CONFIG_INVALID
