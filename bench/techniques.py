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
from music.technique_figures import Floats, Sounded
from music.techniques import LEAST_CONFIDENCE, RINGS_SAMPLES, TechniqueReader, amount_of_bend, slid_into
from music.tuning import Position

PIECES = 60
FIRST_SEED = 1_072_000
RINGS_TRULY = SAMPLE_RATE_HZ * 600 // 1000
LEGATO = "hammer_on or pull_off"
"""Counted, but not told: see `music.techniques`."""
KINDS = ("vibrato", "bend", "slide_in", "slide", LEGATO, "let_ring")


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
    count, amounts = 0, list[bool]()
    for piece in technique_pieces(load("guitar", threads=1), VALIDATION, seeds, SoundLibrary(default_sounds_dir())):
        count += 1
        for heard in piece.heard:
            for kind, confidence, is_true in _judgements(piece, heard):
                tally = tallies[kind]
                tally.true += is_true
                if confidence >= LEAST_CONFIDENCE.get(kind, 0.5):
                    (tally.right if is_true else tally.wrong).append(confidence)
                    amounts += [_goes_so_far(piece, heard)] if is_true and kind == "bend" else []
        for kind, confidence, is_true in _ringing(piece):
            tallies[kind].true += is_true
            if confidence:
                (tallies[kind].right if is_true else tallies[kind].wrong).append(confidence)
    header = ["technique", "heard notes so played", "told", "right", "precision", "recall", "mean confidence"]
    print_table(header, [tally.row(kind) for kind, tally in tallies.items()])
    share = sum(amounts) / max(1, len(amounts))
    print(f"of the bends told rightly {share:.2f} go as far as is told (half a semitone, one, two)")
    print(f"{count} rendered pieces of 20 s in sounds that no judge was fitted on; no real recording")
    facts = {
        kind: {"true": tally.true, "told": len(tally.right) + len(tally.wrong), "precision": tally.precision}
        for kind, tally in tallies.items()
    }
    print_json("techniques", pieces=count, kinds=facts, bends_as_far_as_told=share)


def _goes_so_far(piece: TechniquePiece, heard: HeardNote) -> bool:
    assert heard.curve is not None, "bends are judged by it"
    assert heard.bend is not None, "bends are judged by it"
    assert heard.truth is not None, "it is told rightly"
    return amount_of_bend(heard.curve, int(heard.bend[-1])) == piece.truth[heard.truth].semitones


def _judgements(piece: TechniquePiece, heard: HeardNote) -> Iterator[tuple[str, float, bool]]:
    """Kind, probability and truth of everything that is judged about a note, as `TechniqueReader` tells it."""
    if heard.curve is not None and heard.bend is not None:
        yield "vibrato", _probability("vibrato", heard.curve), truth_of(piece, heard, "vibrato")
        yield "bend", _probability("bend", heard.bend), truth_of(piece, heard, "bend")
        yield "slide_in", slid_into(heard.curve), truth_of(piece, heard, "slide_in")
    if heard.joint is not None:
        yield "slide", _probability("slide", heard.joint), truth_of(piece, heard, "slide")
    if heard.follower:
        yield LEGATO, 0.0, truth_of(piece, heard, "legato")


def _probability(kind: str, figures: Floats) -> float:
    return float(load_trees(f"technique_{kind}").probability(figures[None].astype(np.float32))[0])


def _ringing(piece: TechniquePiece) -> Iterator[tuple[str, float, bool]]:
    """Let ring as told of the heard notes, and as the rule tells it of true ones that sound on for `RINGS_TRULY`."""
    heard = _ring_confidences([Sounded(each.note, ()) for each in piece.heard], RINGS_SAMPLES)
    true = _ring_confidences([Sounded(_as_note(piece, index), ()) for index in range(len(piece.truth))], RINGS_TRULY)
    for each, confidence in zip(piece.heard, heard, strict=True):
        yield "let_ring", confidence, each.truth is not None and true[each.truth] > 0


def _ring_confidences(notes: list[Sounded], rings_samples: int) -> list[float]:
    found = []
    for index, sounded in enumerate(notes):
        reader = TechniqueReader(256 / SAMPLE_RATE_HZ, is_judged=False, rings_samples=rings_samples)
        for near in notes[max(0, index - 60) : index + 60]:
            reader.settle(near)
        techniques = reader.techniques_of(sounded)
        found.append(techniques[0].confidence if techniques else 0.0)
    return found


def _as_note(piece: TechniquePiece, index: int) -> Note:
    true = piece.truth[index].note
    place = Position(true.string, true.fret)
    return Note(str(index), NoteState.ENDED, true.onset, true.pitch, true.offset, position=place)
