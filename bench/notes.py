"""How right the notes are: each transcriber beside stock Basic Pitch, real and rendered apart. `python -m bench notes`.

Ours are the committed notes of whole sessions, stock runs offline on the same audio. See bench/NOTES.md for what the
rows are and what may be read out of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence

from bench._models import load, session_notes, transcriber_names
from bench._notes_report import Results, judge, print_judged, results_facts
from bench._peers import PeersAbsentError, stock_notes
from bench._report import print_json, print_table
from bench._scoring import PlainNote, score
from bench._takes import Take, amplified_takes, bands, real_takes, rendered_takes, unmusical
from inference.ports import Transcriber
from music.audio import seconds
from music.note import Note

STOCK, STOCK_TUNED = "stock 0.50/0.30", "stock 0.70/0.35"
THRESHOLDS = {STOCK: (0.5, 0.3), STOCK_TUNED: (0.7, 0.35)}
TUNED_RANGE = (40, 88)
BAND_S = 25.0
QUICK_PIECES, FULL_PIECES = 3, 24
QUICK_S, FULL_S = 12.0, 20.0
_AT_ONCE = 64


class Listeners:
    """Everybody who listens, by name.

    Attributes:
        absent: a line for each one that is left out, saying why.
    """

    def __init__(self, names: Sequence[str], absent: Sequence[str], *, peers: bool) -> None:
        self._ours: dict[str, Transcriber] = {name: load(name) for name in names}
        self._peers = peers
        self.absent = list(absent)

    def hear(self, takes: Sequence[Take]) -> dict[str, list[list[PlainNote]]]:
        """By listener, the notes of each take, by onset."""
        found = {
            name: [plain_notes(session_notes(ours, t.samples, t.rate_hz, t.instrument)) for t in takes]
            for name, ours in self._ours.items()
        }
        return found | self._hear_stock(takes)

    def _hear_stock(self, takes: Sequence[Take]) -> dict[str, list[list[PlainNote]]]:
        if not self._peers:
            return {}
        try:
            found = stock_notes([(take.samples, take.rate_hz) for take in takes], THRESHOLDS)
        except PeersAbsentError as error:
            self.absent.append(f"stock: left out, {error}")
            self._peers = False
            return {}
        found[STOCK_TUNED] = [in_range(notes, take) for notes, take in zip(found[STOCK_TUNED], takes, strict=True)]
        return found


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables and the JSON line."""
    wish = _parse(arguments)
    ready, absent = transcriber_names()
    names = [name for name in wish.transcribers or ready if name in ready]
    listeners = Listeners(names, absent, peers=not wish.without_stock)
    takes, lines = real_takes()
    listeners.absent += lines
    results = _judged(listeners, [*takes, *rendered_takes(wish.pieces, wish.seconds)])
    for origin, rows in results.items():
        print_judged(origin, rows, (STOCK, STOCK_TUNED))
    amplifiers = _amplifiers(listeners, 2 * wish.pieces, wish.seconds)
    false_notes = _false_notes(listeners, wish.pieces, wish.seconds)
    unmusical_counts = _unmusical(listeners)
    for line in dict.fromkeys(listeners.absent):
        print(line)
    print_json(
        "notes",
        pieces=wish.pieces,
        seconds=wish.seconds,
        **{origin: results_facts(rows, (STOCK, STOCK_TUNED)) for origin, rows in results.items()},
        amplifiers=amplifiers,
        false_notes_in_25_s=false_notes,
        notes_where_nobody_plays=unmusical_counts,
        absent=len(listeners.absent),
    )


def in_range(notes: Sequence[PlainNote], take: Take) -> list[PlainNote]:
    """Those within MIDI 40 to 88; where the instrument reaches lower, from its lowest string on."""
    low, high = min(TUNED_RANGE[0], take.instrument.lowest_pitch), TUNED_RANGE[1]
    return [note for note in notes if low <= note.pitch <= high]


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench notes")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a few short pieces a row; what is done without options")
    size.add_argument("--full", action="store_true", help="more and longer pieces")
    parser.add_argument("--pieces", type=int, help="rendered pieces a row")
    parser.add_argument("--seconds", type=float, help="length of a rendered piece")
    parser.add_argument("--transcribers", type=lambda text: text.split(","), help="some of the repository's, by name")
    parser.add_argument("--without-stock", action="store_true", help="ours alone")
    wish = parser.parse_args(arguments)
    wish.pieces = wish.pieces or (FULL_PIECES if wish.full else QUICK_PIECES)
    wish.seconds = wish.seconds or (FULL_S if wish.full else QUICK_S)
    return wish


def _judged(listeners: Listeners, takes: Sequence[Take]) -> dict[str, Results]:
    """By origin, row and listener, each take judged."""
    results: dict[str, Results] = {}
    for some in _portions(takes):
        for who, found in listeners.hear(some).items():
            for take, notes in zip(some, found, strict=True):
                row = results.setdefault(take.origin, {}).setdefault(take.row, {})
                row.setdefault(who, []).append(judge(take, notes))
    return results


def _amplifiers(listeners: Listeners, performances: int, duration_s: float) -> dict[str, dict[str, float]]:
    """Agreement (F1) of what is heard through each chain with what is heard in the direct signal; a mean of means."""
    agreed: dict[str, dict[str, list[float]]] = {}
    for takes in amplified_takes(performances, duration_s):
        for who, (direct, *others) in listeners.hear(takes).items():
            for take, notes in zip(takes[1:], others, strict=True):
                agreed.setdefault(who, {}).setdefault(take.row, []).append(score(direct, notes).f1)
    means = {who: {chain: sum(v) / len(v) for chain, v in chains.items()} for who, chains in agreed.items()}
    for chains in means.values():
        chains["mean"] = sum(chains.values()) / len(chains)
    print(
        f"\namplifiers: agreement with the direct signal, F1 of the notes found ({performances} rendered performances)"
    )
    _print_by_listener("through", means)
    return means


def _false_notes(listeners: Listeners, pieces: int, duration_s: float) -> dict[str, dict[str, float]]:
    takes, absent = bands(pieces, duration_s)
    listeners.absent += absent
    heard = listeners.hear(takes)
    counts: dict[str, dict[str, float]] = {}
    for who, found in heard.items():
        for row in dict.fromkeys(take.row for take in takes):
            own = [(len(notes), take.length_s) for take, notes in zip(takes, found, strict=True) if take.row == row]
            counts.setdefault(who, {})[row] = sum(n for n, _ in own) / sum(s for _, s in own) * BAND_S
    print(f"\nfalse notes in {BAND_S:.0f} s of a band without a guitar")
    _print_by_listener("band", counts)
    return counts


def _unmusical(listeners: Listeners) -> dict[str, dict[str, float]]:
    takes, absent = unmusical()
    listeners.absent += absent
    counts = {
        who: {take.row: float(len(notes)) for take, notes in zip(takes, found, strict=True)}
        for who, found in listeners.hear(takes).items()
    }
    print("\nnotes where nobody plays (speech-like is synthetic; singing is no speech, but no guitar either)")
    lengths = {take.row: f"{take.row}, {take.length_s:.0f} s" for take in takes}
    _print_by_listener("sound", {w: {lengths[row]: n for row, n in rows.items()} for w, rows in counts.items()})
    return counts


def _print_by_listener(what: str, figures: Mapping[str, Mapping[str, float]]) -> None:
    rows = list(dict.fromkeys(row for of_listener in figures.values() for row in of_listener))
    print_table([what, *figures], [[row, *(f[row] for f in figures.values())] for row in rows])


def _portions(takes: Sequence[Take]) -> Iterator[Sequence[Take]]:
    for begin in range(0, len(takes), _AT_ONCE):
        yield takes[begin : begin + _AT_ONCE]


def plain_notes(notes: Sequence[Note]) -> list[PlainNote]:
    plain = [
        PlainNote(
            seconds(note.onset),
            seconds(note.onset if note.offset is None else note.offset),
            note.pitch,
            note.position.string if note.position else None,
            note.position.fret if note.position else None,
        )
        for note in notes
    ]
    return sorted(plain, key=lambda note: (note.onset_s, note.pitch))


if __name__ == "__main__":
    main(sys.argv[1:])
