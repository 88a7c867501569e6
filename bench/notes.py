"""How right the notes are: ours beside stock Basic Pitch at its default thresholds. `python -m bench notes`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, replace
from pathlib import Path

import anyio

from bench._peers import PeersAbsentError, stock_notes
from bench._recordings import Recording, labelled
from bench._report import print_json, print_table
from bench._scoring import PlainNote, score
from music.arranging import arrange
from music.audio import sample_at, seconds
from music.events import AudioEncoding, AudioFormat, SessionConfig
from music.note import SETTLED, Note, NoteState
from music.tuning import Instrument
from orchestrator.local import transcribe_locally

CHUNK_BYTES = 1 << 16


def main() -> None:
    """Print the table and the JSON line."""
    recordings, absent = labelled()
    rows: list[list[object]] = []
    facts: dict[str, object] = {}
    for recording in recordings:
        results = {"ours, live frets": ours(recording)}
        results["ours, final frets"] = with_final_frets(results["ours, live frets"], recording)
        try:
            results["stock + final frets"] = with_final_frets(stock_notes(recording.audio), recording)
        except PeersAbsentError as error:
            absent.append(f"stock: left out, {error}")
        scores = {name: score(recording.truth, notes) for name, notes in results.items()}
        for name, s in scores.items():
            count = len(results[name])
            rows.append([recording.name, name, count, s.precision, s.recall, s.f1, s.f1_offset, s.tab_f1])
        facts[recording.name] = {name: asdict(s) for name, s in scores.items()}
    print_table(["recording", "notes of", "count", "P", "R", "F1", "F1 offset", "Tab F1"], rows)
    for recording in recordings:
        print(f"{recording.name}: {len(recording.truth)} true notes, {recording.kind}")
    for line in absent:
        print(line)
    print_json("notes", recordings=facts, absent=len(absent))


def ours(recording: Recording) -> list[PlainNote]:
    """The committed notes of a whole session, as `genesis transcribe` runs it."""
    config = SessionConfig(AudioFormat(AudioEncoding.CONTAINER), Instrument(recording.tuning))

    async def run() -> list[Note]:
        state = await transcribe_locally(_chunks(recording.audio), config)
        return [note for note in state.notes.values() if note.state in SETTLED]

    return sorted(_plain(anyio.run(run)))


def with_final_frets(notes: list[PlainNote], recording: Recording) -> list[PlainNote]:
    """The same notes where the offline optimum puts them."""
    asked = [
        Note(str(i), NoteState.ENDED, sample_at(n.onset_s), n.pitch, offset=sample_at(n.offset_s))
        for i, n in enumerate(notes)
    ]
    arranged = _plain(arrange(asked, Instrument(recording.tuning)))
    return sorted(replace(n, string=a.string, fret=a.fret) for n, a in zip(notes, arranged, strict=True))


def _plain(notes: Iterable[Note]) -> list[PlainNote]:
    return [
        PlainNote(
            onset_s=seconds(note.onset),
            offset_s=seconds(note.onset if note.offset is None else note.offset),
            pitch=note.pitch,
            string=note.position.string if note.position else None,
            fret=note.position.fret if note.position else None,
        )
        for note in notes
    ]


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while chunk := await file.read(CHUNK_BYTES):
            yield chunk


if __name__ == "__main__":
    main()
