"""The bars of a file: those it names, those its beats make, those a tracker finds, or a steady grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby, zip_longest
from typing import Any

from exports.losses import Losses, LossKind
from music.audio import SAMPLE_RATE_HZ, sample_at
from music.beats import COMMON_TIME, FASTEST_BPM, SLOWEST_BPM, UNSURE, Bar, TimeSignature
from music.beats_tracking import track_bars
from music.errors import InvalidInput, Reason
from music.json_reading import as_list, as_number, as_text, as_whole, each
from music.note import Note

MOST_BARS = 20_000
"""More than five hours in 4/4 at 240 beats a minute; beyond it a score is no use to anyone."""
_ASSUMED_BPM = 120.0
_MOST_TRACKED = 50_000
"""Notes that the tracker is asked about; it takes a second for a few thousand."""
_LONGEST_S = 7 * 24 * 3600.0


def read_bars(data: Mapping[str, Any], notes: Sequence[Note], duration: int, losses: Losses) -> tuple[Bar, ...]:
    """Bars of what `json.loads` made of a file: at least one, not yet covering every note.

    Args:
        data: the file.
        notes: its notes, for a file that has no beats.
        duration: of the recording, in samples.
        losses: is told where bars were not given, or are unsure.

    Raises:
        InvalidInput: REQUEST_INVALID, naming the place in the file.
    """
    signature = TimeSignature.parse(as_text(data.get("time_signature") or str(COMMON_TIME), "time_signature"))
    bars = _named(data) or _of_beats(data, signature)
    if not bars and data.get("tempo_bpm") is not None:
        return (_steady(data["tempo_bpm"], signature, losses),)
    if not bars:
        bars = track_bars(notes, duration) if len(notes) <= _MOST_TRACKED else ()
        losses.add(LossKind.BARS_TRACKED, len(bars))
    if not bars:
        losses.add(LossKind.BARS_ASSUMED)
        return (_first_bar(_ASSUMED_BPM, COMMON_TIME),)
    losses.add(LossKind.BARS_UNSURE, sum(bar.confidence < UNSURE for bar in bars))
    return bars


def cover(bars: Sequence[Bar], first: int, last: int) -> tuple[Bar, ...]:
    """The bars, with more of the same tempo before and after them, so that samples `first` to `last` lie within.

    Raises:
        InvalidInput: REQUEST_INVALID, the piece has too many bars.
    """
    head, tail = bars[0], bars[-1]
    # The first note may come a little before the beat it is written on.
    early = _full_length(head) // head.signature.beats // 4
    before = _needed(head.start - early - first, head)
    after = _needed(last + 1 - tail.end, tail)
    if before + len(bars) + after > MOST_BARS:
        raise InvalidInput(
            Reason.REQUEST_INVALID,
            f"The piece has {before + len(bars) + after} bars; a score holds {MOST_BARS}. Cut it into shorter files.",
        )
    leading = [_moved(head, -n) for n in range(before, 0, -1)]
    return (*leading, *bars, *(_moved(tail, n) for n in range(1, after + 1)))


def _needed(missing: int, bar: Bar) -> int:
    return 0 if missing <= 0 else -(-missing // _full_length(bar))


def _full_length(bar: Bar) -> int:
    beat = max(1, round((bar.end - bar.start) / len(bar.beats)))
    return beat * bar.signature.beats


def _moved(bar: Bar, bars: int) -> Bar:
    """A full steady bar, so many bars after `bar` (or before it, when negative)."""
    length = _full_length(bar)
    beat = length // bar.signature.beats
    start = bar.end + (bars - 1) * length if bars > 0 else bar.start + bars * length
    beats = tuple(start + n * beat for n in range(bar.signature.beats))
    return replace(bar, number=bar.number + bars, beats=beats, end=start + length)


def _named(data: Mapping[str, Any]) -> tuple[Bar, ...]:
    return _joined(each(data.get("bars"), "bars", _bar))


def _bar(fields: dict[str, Any], place: str) -> Bar:
    beats = as_list(fields.get("beats_s"), f"{place}.beats_s")
    return Bar(
        number=as_whole(fields.get("number", 1), f"{place}.number", 0, 10**6),
        beats=tuple(_sample(beat, f"{place}.beats_s") for beat in beats),
        end=_sample(fields.get("end_s"), f"{place}.end_s"),
        signature=TimeSignature.parse(as_text(fields.get("time_signature", "4/4"), f"{place}.time_signature")),
        confidence=as_number(fields.get("confidence", 0), f"{place}.confidence", 0, 1),
        swing=as_number(fields.get("swing", 0.5), f"{place}.swing", 0, 1),
    )


def _of_beats(data: Mapping[str, Any], signature: TimeSignature) -> tuple[Bar, ...]:
    """Beats gathered by their measure. A first measure that does not begin with beat 1 is a pickup."""
    beats = each(data.get("beats"), "beats", _beat)
    if len(beats) < 2:
        return ()
    groups = [list(group) for _, group in groupby(beats, key=lambda beat: beat[1])]
    ends = [*(group[0][0] for group in groups[1:]), beats[-1][0] + max(1, beats[-1][0] - beats[-2][0])]
    return tuple(
        Bar(
            number=number,
            beats=tuple(beat[0] for beat in group),
            end=end,
            signature=_fitting(signature, max(len(group), group[0][3])),
            confidence=1.0,
        )
        for number, (group, end) in enumerate(zip(groups, ends, strict=True), start=int(groups[0][0][2] == 1))
    )


def _beat(fields: dict[str, Any], place: str) -> tuple[int, int, int, int]:
    """Sample, measure, position, beats of its bar."""
    return (
        _sample(fields.get("time_s"), f"{place}.time_s"),
        as_whole(fields.get("measure", 1), f"{place}.measure", -(10**6), 10**6),
        as_whole(fields.get("position", 1), f"{place}.position", 0, 64),
        as_whole(fields.get("beats_per_bar", 0), f"{place}.beats_per_bar", 0, 32),
    )


def _fitting(signature: TimeSignature, beats: int) -> TimeSignature:
    """The file's metre where it has that many beats; else as many quarters."""
    return signature if signature.beats == beats else TimeSignature(min(beats, 32), 4)


def _steady(given: object, signature: TimeSignature, losses: Losses) -> Bar:
    tempo_bpm = as_number(given, "tempo_bpm", 0, 1e9)
    clamped = min(max(tempo_bpm, SLOWEST_BPM), FASTEST_BPM)
    losses.add(LossKind.TEMPO_OUT_OF_RANGE, int(clamped != tempo_bpm))
    return _first_bar(clamped, signature)


def _first_bar(tempo_bpm: float, signature: TimeSignature) -> Bar:
    edges = [round(n * 60 * SAMPLE_RATE_HZ / tempo_bpm) for n in range(signature.beats + 1)]
    return Bar(1, tuple(edges[:-1]), edges[-1], signature, confidence=1.0)


def _joined(bars: tuple[Bar, ...]) -> tuple[Bar, ...]:
    """Raises InvalidInput where one bar does not end as the next begins."""
    joined = []
    for bar, following in zip_longest(bars, bars[1:]):
        # Both are rounded to five digits in the file: a sample more or less is the same moment.
        if following is not None and abs(bar.end - following.start) > 1:
            raise InvalidInput(Reason.REQUEST_INVALID, f"Bar {bar.number} does not end where the next one begins.")
        joined.append(bar if following is None else replace(bar, end=following.start))
    return tuple(joined)


def _sample(value: object, place: str) -> int:
    return sample_at(as_number(value, place, -_LONGEST_S, _LONGEST_S))
