"""Written music: classical pieces of which it is plain where their bars begin, played with drift and uneven time.

For reports only: nothing is fitted on them. The scores lie beside the checkout (`bench/_tabs.py`), with times and
pitches but without bars; the metres below were read off the music by us, and pieces in which two metres could be argued
for (three quarters or two dotted ones, two or four in a bar) are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench._rhythm_pieces import Composed, heard_notes
from bench._tabs import SHARED
from inference.training.score import GuitarNote, Performance
from inference.training.strokes import draw_clock
from music.audio import SAMPLE_RATE_HZ
from music.tuning import Instrument

METRES: dict[str, tuple[int, float, float]] = {
    "GiulianiOp100No11": (4, 1.0, 0.0),
    "GiulianiOp100No4": (3, 1.0, 0.0),
    "adelita": (3, 1.0, 0.0),
    "anna-magdalena-04-guitar-tab": (3, 1.0, 0.0),
    "carcassi-op60-19": (3, 1.0, 0.0),
    "faure-sicilienne-guitare-doigtee": (2, 1.5, 0.5),
    "greensleeves_guitar": (3, 1.0, 0.0),
    "saltarello": (3, 1.0, 0.0),
    "sorf_op35_no20": (3, 1.0, 0.0),
    "sorf_op35_no22": (3, 1.0, 0.0),
}
"""Beats of a bar, quarters of a beat, quarters before the first bar."""
_QUARTERS_PER_S = 1.5
_TEMPO_BPM = (70.0, 130.0)
_LOOSENESS_S = (0.004, 0.014)


def written_pieces(first_seed: int, duration_s: float = 30.0) -> Iterator[Composed]:
    """The first half minute of each; none where the scores are not there."""
    for number, (name, (beats, quarters, upbeat)) in enumerate(METRES.items()):
        path = SHARED / "tabs" / f"mutopia_{name}.json"
        if path.exists():
            random = np.random.default_rng([first_seed + number, 31])
            document = json.loads(path.read_text(encoding="utf-8"))
            yield _played(random, name, document, beats, quarters, upbeat, duration_s)


def _played(
    random: np.random.Generator,
    name: str,
    document: dict[str, Any],
    beats: int,
    quarters: float,
    upbeat: float,
    duration_s: float,
) -> Composed:
    tempo_bpm = float(random.uniform(*_TEMPO_BPM)) / quarters
    # The clock begins with the beat that the upbeat belongs to.
    lead = 1.0 if upbeat else 0.0
    clock = draw_clock(random, tempo_bpm, int(duration_s * tempo_bpm / 60) + 2, 0.3)
    looseness_s = float(random.uniform(*_LOOSENESS_S))
    late: dict[float, float] = {}
    notes = []
    for entry in document["notes"]:
        if entry.get("grace"):
            continue
        begin, end = (entry[key] * _QUARTERS_PER_S - upbeat for key in ("onset_s", "offset_s"))
        begin, end = begin / quarters + lead, end / quarters + lead
        if begin >= len(clock.beat_s) - 1:
            continue
        shift = late.setdefault(round(begin, 3), float(random.normal(0, looseness_s)))
        onset, offset = (round((clock.at(at) + shift) * SAMPLE_RATE_HZ) for at in (begin, end))
        velocity = float(np.clip(random.normal(0.6, 0.08), 0.1, 1.0))
        # Nobody chose a string; none is asked for here.
        notes.append(GuitarNote(max(0, onset), entry["pitch"], max(offset, onset + 1), 1, 0, velocity))
    performance = Performance(
        Instrument(),
        f"written {name}",
        tuple(sorted(notes)),
        tuple(round(at * SAMPLE_RATE_HZ) for at in clock.beat_s),
        beats,
        (),
        round(duration_s * SAMPLE_RATE_HZ),
    )
    return Composed(performance.style, performance, int(lead), heard_notes(random, performance))
