"""How far the techniques that are told can be believed. `python -m bench techniques`.

Pieces in sounds that had no part in fitting the judges; the composer knows how every note is played. Of every kind: how
many heard notes are truly played so, how many are told to be, how many of those are right (precision, recall), and the
mean confidence of what is told, which should be the precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from bench._models import load
from bench._report import print_json, print_table
from bench._technique_pieces import HeardNote, TechniquePiece, technique_pieces, truth_of
from inference.training.recipes import VALIDATION
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.audio import SAMPLE_RATE_HZ
from music.boosted_trees import load_trees
from music.note import Note, NoteState
from music.techniques import LEAST_CONFIDENCE, Floats, Sounded, TechniqueReader, slid_into
from music.tuning import Position

PIECES = 60
FIRST_SEED = 1_072_000
KINDS = ("vibrato", "bend", "slide_in", "hammer_on or pull_off", "let_ring")


@dataclass
class Tally:
    """What was told of one kind against what is true."""

    true: int = 0
    right: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)

    def row(self, kind: str) -> list[object]:
        told = len(self.right) + len(self.wrong)
        confidence = float(np.mean(self.right + self.wrong)) if told else float("nan")
        return [kind, self.true, told, len(self.right), self.precision, len(self.right) / max(1, self.true), confidence]

    @property
    def precision(self) -> float:
        told = len(self.right) + len(self.wrong)
        return len(self.right) / told if told else float("nan")


def main() -> None:
    """Print the table and the JSON line."""
    seeds = range(FIRST_SEED, FIRST_SEED + PIECES)
    tallies = {kind: Tally() for kind in KINDS}
    count = 0
    for piece in technique_pieces(load("guitar", threads=1), VALIDATION, seeds, SoundLibrary(default_sounds_dir())):
        count += 1
        for heard in piece.heard:
            for kind, confidence, is_true in _judgements(piece, heard):
                tally = tallies[kind]
                tally.true += is_true
                if confidence >= LEAST_CONFIDENCE:
                    (tally.right if is_true else tally.wrong).append(confidence)
        for kind, confidence, is_true in _ringing(piece):
            tallies[kind].true += is_true
            if confidence:
                (tallies[kind].right if is_true else tallies[kind].wrong).append(confidence)
    header = ["technique", "heard notes so played", "told", "right", "precision", "recall", "mean confidence"]
    print_table(header, [tally.row(kind) for kind, tally in tallies.items()])
    print(f"{count} rendered pieces of 20 s in sounds that no judge was fitted on; no real recording")
    facts = {
        kind: {"true": tally.true, "told": len(tally.right) + len(tally.wrong), "precision": tally.precision}
        for kind, tally in tallies.items()
    }
    print_json("techniques", pieces=count, kinds=facts)


def _judgements(piece: TechniquePiece, heard: HeardNote) -> Iterator[tuple[str, float, bool]]:
    """Kind, probability and truth of everything that is judged about a note, as `TechniqueReader` tells it."""
    position = heard.note.position
    if position is not None and position.fret > 0:
        for kind in ("vibrato", "bend"):
            yield kind, _probability(kind, heard.curve), truth_of(piece, heard, kind)
        yield "slide_in", slid_into(heard.curve), truth_of(piece, heard, "slide_in")
    if heard.joint is not None:
        yield "hammer_on or pull_off", _probability("legato", heard.joint), truth_of(piece, heard, "legato")


def _probability(kind: str, figures: Floats) -> float:
    return float(load_trees(f"technique_{kind}").probability(figures[None].astype(np.float32))[0])


def _ringing(piece: TechniquePiece) -> Iterator[tuple[str, float, bool]]:
    """Let ring as told of the heard notes, and as the same rule tells it of the true ones."""
    heard = _ring_confidences([Sounded(each.note, ()) for each in piece.heard])
    true = _ring_confidences([Sounded(_as_note(piece, index), ()) for index in range(len(piece.truth))])
    for each, confidence in zip(piece.heard, heard, strict=True):
        yield "let_ring", confidence, each.truth is not None and true[each.truth] > 0


def _ring_confidences(notes: list[Sounded]) -> list[float]:
    found = []
    for index, sounded in enumerate(notes):
        reader = TechniqueReader(256 / SAMPLE_RATE_HZ, is_judged=False)
        for near in notes[max(0, index - 60) : index + 60]:
            reader.settle(near)
        techniques = reader.techniques_of(sounded)
        found.append(techniques[0].confidence if techniques else 0.0)
    return found


def _as_note(piece: TechniquePiece, index: int) -> Note:
    true = piece.truth[index].note
    place = Position(true.string, true.fret)
    return Note(str(index), NoteState.ENDED, true.onset, true.pitch, true.offset, position=place)
