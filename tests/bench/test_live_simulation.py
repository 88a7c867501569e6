"""The live path as it is measured: shown before it is settled, and settled the same whatever is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench._scoring import PlainNote
from bench.live_simulation import Run, figures, play
from inference.registry import load_transcriber
from music.note import SETTLED, Note, NoteState
from music.tuning import Instrument
from tests.support.plucked import phrase, render

both_models = pytest.mark.parametrize("name", ["guitar", "basic_pitch"])


def settled(run: Run) -> list[Note]:
    return [told.note for told in run.told if told.note.state in SETTLED]


@both_models
def test_notes_are_shown_then_settled_and_no_cadence_or_chunk_changes_them(built_model_repo: Path, name: str) -> None:
    transcriber = load_transcriber(name, built_model_repo, threads=1)
    truth, signal = phrase(2, 6.0), render(phrase(2, 6.0), 6.0, noise=0.001)
    live = play(transcriber, signal, Instrument(), step_frames=9)
    for step, chunk in ((0, 20_000), (4, 441), (9, 1000)):
        assert settled(play(transcriber, signal, Instrument(), step, chunk)) == settled(live)
    found = figures([PlainNote(onset, offset, pitch) for onset, offset, pitch, _ in truth], live)
    assert found.shown_first > 0.9
    assert found.tentative_ms[0] < found.committed_ms[0]
    assert found.taken_back < 0.15
    first: dict[str, NoteState] = {}
    for told in live.told:
        first.setdefault(told.note.id, told.note.state)
    assert NoteState.RETRACTED not in first.values()


@both_models
def test_a_cut_leaves_what_was_committed_before_it(built_model_repo: Path, name: str) -> None:
    transcriber = load_transcriber(name, built_model_repo, threads=1)
    signal = render(phrase(2, 6.0), 6.0, noise=0.001)
    whole = [note for note in settled(play(transcriber, signal, Instrument(), 9)) if note.state is NoteState.COMMITTED]
    for cut in (40_000, 77_777):
        short = play(transcriber, signal[:cut], Instrument(), 9)
        early = [t.note for t in short.told if t.note.state is NoteState.COMMITTED and t.at_s < cut / 22_050]
        assert early
        assert whole[: len(early)] == early
