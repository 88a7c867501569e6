"""Writes the demo: `demo.wav` and, beside it, the truth in the file schema."""

from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genesis.demo.piece import Piece, read_piece
from genesis.demo.render import PlayedNote, perform, render
from genesis.stock import TRUTH_NAME, WAV_NAME, demo_is_built
from inference.training.sample_bank import ATTRIBUTION, SAMPLE_RATE_HZ, fetch_samples, load_bank
from music.audio import seconds


def build_demo(out: Path, samples_dir: Path | None = None, *, force: bool = False) -> bool:
    """Fetch the samples, play the piece and write both files into `out`; False when they were there already.

    `samples_dir`: where the sampled guitar is kept; beside `out` unless told.

    Raises:
        Unavailable: the samples cannot be fetched.
    """
    if not force and demo_is_built(out):
        return False
    bank = load_bank(fetch_samples(samples_dir or out.parent / "samples"))
    piece = read_piece()
    notes = perform(piece)
    audio = render(notes, bank)
    out.mkdir(parents=True, exist_ok=True)
    _write_wav(out / WAV_NAME, audio)
    truth = json.dumps(to_truth(piece, notes, len(audio) / SAMPLE_RATE_HZ), indent=1, ensure_ascii=False)
    _replace(out / TRUTH_NAME, (truth + "\n").encode())
    return True


def to_truth(piece: Piece, notes: Sequence[PlayedNote], duration_s: float) -> dict[str, object]:
    """The performance in the file schema "genesis.transcription/1", with its title, composer and attribution."""
    return {
        "schema": "genesis.transcription/1",
        "session": "demo",
        "title": piece.title,
        "composer": piece.composer,
        "attribution": ATTRIBUTION,
        "models": {},
        "duration_s": round(duration_s, 6),
        "tuning": list(piece.instrument.tuning),
        "capo": piece.instrument.capo,
        "gaps": [],
        "notes": [_note(index, note) for index, note in enumerate(notes, start=1)],
        "tempo_bpm": piece.tempo_bpm,
        "time_signature": f"{piece.beats_per_bar}/{piece.beat_unit}",
        "beats": _beats(piece),
    }


def _note(index: int, played: PlayedNote) -> dict[str, object]:
    return {
        "id": f"t{index}",
        "state": "ended",
        "onset_s": round(seconds(played.onset), 6),
        "offset_s": round(seconds(played.offset), 6),
        "pitch": played.note.pitch,
        "velocity": played.velocity,
        "confidence": 1.0,
        "string": played.note.position.string,
        "fret": played.note.position.fret,
        "flags": [],
        "alternatives": [],
        "bends": [],
        "techniques": [],
    }


def _beats(piece: Piece) -> list[dict[str, object]]:
    return [
        {
            "time_s": round(piece.start_s + beat * 60 / piece.tempo_bpm, 6),
            "position": beat % piece.beats_per_bar + 1,
            "measure": beat // piece.beats_per_bar + 1,
            "beats_per_bar": piece.beats_per_bar,
        }
        for beat in range(piece.bar_count * piece.beats_per_bar)
    ]


def _write_wav(path: Path, audio: NDArray[np.float32]) -> None:
    partial = path.with_name(path.name + ".partial")
    with wave.open(str(partial), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(np.round(audio * 32767).astype("<i2").tobytes())
    partial.replace(path)


def _replace(path: Path, data: bytes) -> None:
    """Readers see the old file or the new one, never half of it."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)
