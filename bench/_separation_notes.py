"""What separation does to notes and frets: guitars of known truth alone, under a band, under a voice, by every choice.

Two recordings are 133 and 154 notes: one position of the hand that happens to be right moves Tab F1 by ten points. So a
dozen rendered pieces stand beside them, pooled over each mix, with intervals over pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import soxr

from bench._bootstrap import Counts, counts_by_stretch, f1_of, interval_of_difference, parts_of
from bench._models import session_notes
from bench._recordings import DATA, labelled
from bench._report import print_table
from bench._scoring import PlainNote, matches, matches_on_the_neck
from bench._separation_sound import RATE_HZ, Signal, read_stereo, under
from bench.notes import plain_notes
from inference.ports import Transcriber
from inference.training.dataset import render_piece
from inference.training.recipes import VALIDATION
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.audio import SAMPLE_RATE_HZ, seconds
from music.tuning import Instrument
from orchestrator.separating import SeparationPlan

AUTO, AUTO_FILE = "auto", "auto, file"
REFERENCES = ("off", "vocals_removed")
_FIRST_SEED = 1_091_000
"""Of pieces that nothing else is made of or chosen on."""
_LENGTH_S = 20.0
_MATCHES = {"f1": matches, "tab_f1": matches_on_the_neck}

Plans = Mapping[str, SeparationPlan]


@dataclass(frozen=True, slots=True)
class _Guitar:
    name: str
    signal: Signal
    truth: list[PlainNote]
    instrument: Instrument
    is_rendered: bool = False


def notes(plans: Plans, transcriber: Transcriber, pieces: int) -> dict[str, object]:
    """Note and Tab F1 by choice; how far auto is from the better of leaving the mix as it is and taking the voice out.

    Args:
        plans: what a session does, by choice: `REFERENCES`, `AUTO` and `AUTO_FILE` among them.
        transcriber: listens.
        pieces: rendered ones.
    """
    if not DATA.exists():
        print("mixes with a voice or a band: left out, ../shared/data is not beside this checkout")
    singles: dict[str, dict[str, dict[str, Counts]]] = {}
    pooled: dict[str, dict[str, dict[str, list[Counts]]]] = {}
    for number, guitar in enumerate((*_recordings(), *_rendered(pieces))):
        for mix, signal in _mixes(guitar, number).items():
            for choice, plan in plans.items():
                found = plain_notes(session_notes(transcriber, signal.T, RATE_HZ, guitar.instrument, plan))
                for measure, match in _MATCHES.items():
                    pairs = match(guitar.truth, found)
                    counts = counts_by_stretch(guitar.truth, found, pairs, signal.shape[1] / RATE_HZ)
                    if guitar.is_rendered:
                        by_choice = pooled.setdefault(mix, {}).setdefault(measure, {})
                        by_choice.setdefault(choice, []).append(counts)
                    else:
                        singles.setdefault(f"{guitar.name}, {mix}", {}).setdefault(measure, {})[choice] = counts
    together = {
        mix: {m: {c: parts_of(counts) for c, counts in by.items()} for m, by in by_measure.items()}
        for mix, by_measure in pooled.items()
    }
    return {
        "recordings": _report("single recordings, intervals over stretches of 2 s", singles),
        "pieces": _report(f"{pieces} rendered pieces of {_LENGTH_S:.0f} s together, intervals over pieces", together),
    }


def _report(title: str, tables: Mapping[str, Mapping[str, Mapping[str, Counts]]]) -> dict[str, object]:
    rows: list[list[object]] = []
    facts: dict[str, object] = {}
    worst = {(auto, measure): 0.0 for auto in (AUTO, AUTO_FILE) for measure in _MATCHES}
    for mix, by_measure in tables.items():
        for measure, by_choice in by_measure.items():
            f1 = {choice: f1_of(counts) for choice, counts in by_choice.items()}
            better = max(REFERENCES, key=lambda choice: f1[choice])
            row: list[object] = [mix, measure, *f1.values()]
            for auto in (AUTO, AUTO_FILE):
                short = (f1[better] - f1[auto]) * 100
                low, high = (100 * p for p in interval_of_difference(by_choice[better], by_choice[auto]))
                worst[auto, measure] = max(worst[auto, measure], short)
                row.append(f"{short:.1f} ({low:.1f} .. {high:.1f})")
            rows.append(row)
            facts[f"{mix} {measure}"] = f1
    print(f"\nnotes: {title}; auto's distance from the better of {' and '.join(REFERENCES)} in points, 90 %")
    print_table(["mix", "measure", *next(iter(tables.values()))["f1"], "short by, live", "file"], rows)
    for auto in (AUTO, AUTO_FILE):
        figures = ", ".join(f"{measure} {worst[auto, measure]:.1f}" for measure in _MATCHES)
        print(f"{auto}: at most {figures} below the better one (the aim is 1)")
    facts["short_by"] = {f"{auto} {measure}": points for (auto, measure), points in worst.items()}
    return facts


def _recordings() -> Iterator[_Guitar]:
    found, absent = labelled()
    for line in absent:
        print(line)
    for recording in found:
        samples, rate_hz = recording.read()
        yield _Guitar(recording.name, _both_sides(samples, rate_hz), recording.truth, Instrument(recording.tuning))


def _rendered(pieces: int) -> Iterator[_Guitar]:
    library = SoundLibrary(default_sounds_dir())
    recipe = replace(VALIDATION, duration_s=_LENGTH_S, band_share=0.0, band_only_share=0.0, tunings={"standard": 1.0})
    for seed in range(_FIRST_SEED, _FIRST_SEED + pieces):
        piece = render_piece(recipe, seed, library)
        truth = [PlainNote(seconds(n.onset), seconds(n.offset), n.pitch, n.string, n.fret) for n in piece.notes]
        yield _Guitar("rendered", _both_sides(piece.samples, SAMPLE_RATE_HZ), truth, piece.instrument, is_rendered=True)


def _mixes(guitar: _Guitar, number: int) -> dict[str, Signal]:
    """The guitar alone and under others; every second one hears the other voice."""
    mixes = {"alone": guitar.signal}
    if not DATA.exists():
        return mixes
    band = read_stereo(DATA / "mixes/choice_drum_bass.ogg")
    if guitar.is_rendered and number % 2:
        voice = read_stereo(DATA / "voice/vocadito_10.wav")
    else:
        voice = read_stereo(DATA / "stems/mallory/vocals_true.mp3")[:, 3 * RATE_HZ :]
    for level in (0,) if guitar.is_rendered else (-6, 0, 6):
        mixes[f"band {level:+d} dB"] = under(guitar.signal, band, level)
    for level in (-6, 0, 6):
        mixes[f"voice {level:+d} dB"] = under(guitar.signal, voice, level)
    mixes["band and voice 0 dB"] = under(under(guitar.signal, band, 0), voice, 0)
    return mixes


def _both_sides(samples: Signal, rate_hz: int) -> Signal:
    mono = samples if rate_hz == RATE_HZ else soxr.resample(samples, rate_hz, RATE_HZ)
    return np.stack([mono, mono]).astype(np.float32)
