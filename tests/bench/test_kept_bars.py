"""Kept notes serve as long as the piece is the same, and what is judged on them is what a session would say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bench import _kept_bars
from bench._kept_bars import Kept, kept
from bench._rhythm_pieces import song_pieces
from bench.kept_bars import judged, live_bars
from inference.ports import Transcriber
from music.audio import SAMPLE_RATE_HZ
from music.beats import Bar, BarState
from music.live_music import LiveMusic
from music.note import Note

SEED = 2_090_000


@dataclass
class Listener:
    """Counts how often something is transcribed, and hears the truth."""

    heard: int = 0

    def load(self) -> Transcriber:
        return self  # type: ignore[return-value]

    @property
    def reference(self) -> Listener:
        return self

    name = "truth"


@dataclass
class State:
    notes: tuple[Note, ...]
    duration: int

    def sorted_notes(self) -> tuple[Note, ...]:
        return self.notes


def test_notes_are_transcribed_once_and_anew_when_another_piece_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, seed = Listener(), [SEED]
    written = {"songs": lambda count: song_pieces(seed[0], count, 12.0)}

    def state(transcriber: Listener, samples: int, *_: object) -> State:
        transcriber.heard += 1
        return State(next(song_pieces(samples, 1, 12.0)).notes, 12 * SAMPLE_RATE_HZ)

    monkeypatch.setattr(_kept_bars, "PLACE", tmp_path)
    monkeypatch.setattr(_kept_bars, "SETS", written)
    monkeypatch.setattr(_kept_bars, "rendered", lambda _piece, number: seed[0] + number)
    monkeypatch.setattr(_kept_bars, "session_state", state)
    first, again = (list(kept("songs", 2, listener.load)) for _ in range(2))
    assert listener.heard == 2
    for one, same in zip(first, again, strict=True):
        assert [(n.id, n.onset, n.pitch, n.offset) for n in one.notes] == [
            (n.id, n.onset, n.pitch, n.offset) for n in same.notes
        ]
        assert one.duration == same.duration
    seed[0] += 50
    assert next(kept("songs", 1, listener.load)).notes != first[0].notes
    assert listener.heard == 3


def test_live_bars_are_those_that_a_session_commits() -> None:
    piece = next(song_pieces(SEED, 1, 24.0))
    music = LiveMusic()
    committed: list[Bar] = []
    for note in piece.notes:
        music.add(note)
    duration = piece.performance.duration
    for event in [*music.advance(duration), *music.finish(duration)]:
        committed += getattr(event, "bars", ()) if getattr(event, "state", None) is BarState.COMMITTED else ()
    assert committed
    assert live_bars(Kept(piece, piece.notes, duration)) == committed


def test_what_is_judged_goes_down_when_the_notes_are_not_those_of_the_piece() -> None:
    piece, other = song_pieces(SEED, 2, 24.0)
    duration = piece.performance.duration
    right = judged("songs", Kept(piece, piece.notes, duration))
    wrong = judged("songs", Kept(piece, other.notes, duration))
    assert right.beats > 0.9
    assert wrong.beats < 0.6
    assert sum(is_right for _, is_right in wrong.said) < sum(is_right for _, is_right in right.said)
