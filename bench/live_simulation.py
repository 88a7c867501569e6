"""A recording played to the pipeline as it would come in, faster than real time. `python -m bench live`.

Every 20 ms of signal is handed over at once; an event is taken to be told when its samples have come and everything
before it is computed, so "stream time" is the signal's clock plus the processor time the computing took here (not wall
time: what else the machine does is not ours). What the network
between caller and server adds is `bench/latency`'s to measure.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

import anyio
import mir_eval
import numpy as np
from numpy.typing import NDArray

from bench._models import open_scribe, open_stream
from bench._scoring import ONSET_TOLERANCE_S, PITCH_TOLERANCE_CENTS, PlainNote, note_arrays
from inference.ports import ActivationStream, Transcriber
from music.activations import Activations
from music.audio import SAMPLE_RATE_HZ, seconds
from music.events import NoteRevised
from music.note import Note, NoteState
from music.scribe import Scribe
from music.tuning import Instrument

CHUNK = SAMPLE_RATE_HZ // 50


@dataclass(frozen=True, slots=True)
class Told:
    """A revision and when it was told.

    Attributes:
        at_s: stream time, in seconds.
        heard_until: where what the network had said by then ends, a sample index.
    """

    at_s: float
    note: Note
    heard_until: int


@dataclass(frozen=True, slots=True)
class Run:
    """A recording played once: everything told, and what it took of one core, in seconds."""

    told: list[Told]
    compute_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """What a live user would see. Latencies in milliseconds from the truth's onset, over matched committed notes.

    Attributes:
        tentative_ms: first event of the note's id with its final pitch.
        committed_ms: its COMMITTED event.
        taken_back: share of all TENTATIVE notes that were retracted, changed pitch or moved by over 50 ms.
        shown_first: share of matched notes that were shown TENTATIVE before they were committed.
        core: computing per second of audio.
    """

    notes: int
    precision: float
    recall: float
    f1: float
    tentative_ms: tuple[float, float]
    committed_ms: tuple[float, float]
    taken_back: float
    shown_first: float
    core: float


def play(
    transcriber: Transcriber, signal: NDArray[np.float32], instrument: Instrument, step_frames: int, chunk: int = CHUNK
) -> Run:
    """Play a signal (f32[n], mono, 22 050 Hz) to the pipeline; `step_frames` = 0 leaves the previews out."""
    return anyio.run(_play, transcriber, signal, instrument, step_frames, chunk)


async def _play(
    transcriber: Transcriber, signal: NDArray[np.float32], instrument: Instrument, step_frames: int, chunk: int
) -> Run:
    scribe = open_scribe(transcriber, instrument)
    stream = open_stream(transcriber, instrument)
    told: list[Told] = []
    free_s = compute_s = 0.0
    for begin in range(0, len(signal), chunk):
        piece = signal[begin : begin + chunk]
        arrived_s = (begin + len(piece)) / SAMPLE_RATE_HZ
        start_s = max(arrived_s, free_s)
        begun = time.process_time()
        async for activations, events in _heard(stream, scribe, piece, step_frames):
            now_s = start_s + (time.process_time() - begun)
            heard_until = activations.end_frame * transcriber.grid.hop
            told += [Told(now_s, event.note, heard_until) for event in events]
        took_s = time.process_time() - begun
        compute_s += took_s
        free_s = start_s + took_s
    for activations in await stream.finish():
        told += [Told(free_s, event.note, len(signal)) for event in scribe.advance(activations)]
    told += [Told(free_s, event.note, len(signal)) for event in scribe.finish(len(signal))]
    return Run(told, compute_s, len(signal) / SAMPLE_RATE_HZ)


async def _heard(
    stream: ActivationStream, scribe: Scribe, piece: NDArray[np.float32], step_frames: int
) -> AsyncIterator[tuple[Activations, list[NoteRevised]]]:
    for activations in await stream.push(piece):
        yield activations, scribe.advance(activations)
    if step_frames and (provisional := await stream.preview(step_frames)) is not None:
        yield provisional, scribe.preview(provisional)


def figures(truth: Sequence[PlainNote], run: Run) -> LiveFigures:
    """Score a run."""
    committed = {t.note.id: t for t in run.told if t.note.state is NoteState.COMMITTED}
    final = {t.note.id: t.note for t in run.told if t.note.state is NoteState.ENDED}
    notes = [PlainNote(seconds(n.onset), seconds(n.offset or n.onset), n.pitch) for n in final.values()]
    names = list(final)
    matched = (
        mir_eval.transcription.match_notes(
            *note_arrays(truth),
            *note_arrays(notes),
            onset_tolerance=ONSET_TOLERANCE_S,
            pitch_tolerance=PITCH_TOLERANCE_CENTS,
            offset_ratio=None,
        )
        if truth and notes
        else []
    )
    first: dict[tuple[str, int], Told] = {}
    for told in run.told:
        if told.note.state is not NoteState.RETRACTED:
            first.setdefault((told.note.id, told.note.pitch), told)
    tentative, settled, shown = [], [], 0
    for true_index, index in matched:
        note, onset_s = final[names[index]], truth[true_index].onset_s
        early = first[note.id, note.pitch]
        shown += early.note.state is NoteState.TENTATIVE
        tentative.append((early.at_s - onset_s) * 1000)
        settled.append((committed[note.id].at_s - onset_s) * 1000)
    precision, recall = (len(matched) / max(1, len(side)) for side in (notes, truth))
    return LiveFigures(
        len(notes),
        precision,
        recall,
        2 * len(matched) / max(1, len(notes) + len(truth)),
        _percentiles(tentative),
        _percentiles(settled),
        taken_back_share(told.note for told in run.told),
        shown / max(1, len(matched)),
        run.compute_s / run.duration_s,
    )


def taken_back_share(notes: Iterable[Note]) -> float:
    """Share of TENTATIVE notes that were retracted, changed pitch or moved by over 50 ms, over all of them."""
    shown: dict[str, Note] = {}
    back: set[str] = set()
    for note in notes:
        known = shown.get(note.id)
        if known is None:
            if note.state is NoteState.TENTATIVE:
                shown[note.id] = note
        else:
            moved = note.pitch != known.pitch or abs(note.onset - known.onset) > SAMPLE_RATE_HZ * 0.05
            if moved or note.state is NoteState.RETRACTED:
                back.add(note.id)
    return len(back) / max(1, len(shown))


def _percentiles(values: list[float]) -> tuple[float, float]:
    return (float(np.percentile(values, 50)), float(np.percentile(values, 95))) if values else (0.0, 0.0)
