"""Bars while the music plays: `LiveBars` takes committed notes and says what can be told of the bars so far.

It looks at fixed moments of the session's clock, a step apart (`STEP` while somebody plays), and only at strokes that
are settled by then: what it says is a function of the committed notes. There beats, metre and downbeats of the last
seconds are chosen anew (`music.beats_live_choice`), less often while bars go on as told. A bar that ended a horizon ago
is committed and never changes again; the ones after it are told anew, as a whole, when they change.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats import NO_LOCK, Bar, BarState, RhythmLock
from music.beats_bar_figures import COUNTS
from music.beats_confidence import believed, figures
from music.beats_evidence import listen
from music.beats_lattice import HOP, Lattice
from music.beats_live_choice import LISTENED, Heard, choose, live_rows
from music.beats_metre import find_metre, hear
from music.beats_onsets import TOGETHER, Marker, Onset, onsets_of
from music.beats_tracking import FEWEST, is_timed, left_by, locked_beats, mark_weight, place_of, signature_of, swing_of
from music.beats_weights import CONFIDENCE, LATTICE, LIVE_CONFIDENCE, METRE
from music.note import Note

STEP = SAMPLE_RATE_HZ
STEADY_STEP = 3 * STEP
"""Until the next look where bars went on as they were told."""
FILE_STEP = 6 * STEP
"""Of a recording that is there already: seconds of it pass in one, and the final pass takes the place of these bars."""
HORIZON = 4 * SAMPLE_RATE_HZ
"""Notes after a bar's end that may still move it."""
_STRIDE = 12 * STEP
"""Steps of what is caught up with: less than what is listened to and not committed."""
WINDOW = 48
"""Beats that are looked at again for the metre."""

_NEAR = 0.07 * SAMPLE_RATE_HZ

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Told:
    """What a step changed: bars that are now committed, and all bars after them; None where those are as before."""

    committed: tuple[Bar, ...]
    tentative: tuple[Bar, ...] | None


class LiveBars:
    """The bars of one session.

    Args:
        lock: what a person has decided.
        after: bars that are committed already; the notes that are added begin about a second before they end.
        step: samples between two looks.
    """

    def __init__(self, lock: RhythmLock = NO_LOCK, after: Sequence[Bar] = (), step: int = STEP) -> None:
        self._lock = lock
        self._apart = step
        self._next_look = 0
        self._waiting: list[Note] = []
        self._now = 0
        self._onsets: list[Onset] = []
        self._marker = Marker()
        self._marks: list[Array] = []
        self._lattice: Lattice | None = None
        self._committed: list[Bar] = list(after)[-WINDOW:]
        self._tentative: tuple[Bar, ...] = ()

    @property
    def known(self) -> tuple[Bar, ...]:
        """The last committed bars and all tentative ones."""
        return (*self._committed, *self._tentative)

    def add(self, note: Note) -> None:
        """A committed note, in any order, not before the watermark."""
        self._waiting.append(note)

    def advance(self, watermark: int) -> list[Told]:
        """Take the steps that lie before the watermark, a sample index; each says what it changed, if anything."""
        told = []
        while self._now + self._apart <= watermark:
            self._now += self._apart
            until = self._now - TOGETHER
            step = self._step(until, HORIZON) if self._now >= self._next_look else self._drawn_out(until)
            if step.committed or step.tentative is not None:
                told.append(step)
        return told

    def catch_up(self, now: int) -> Told:
        """Take the steps up to `now`, a sample index on their grid: in one where beats are said, else in long ones."""
        begin = min((note.onset for note in self._waiting), default=now)
        count = 0 if is_timed(self._lock) else max(0, now - begin) // _STRIDE
        committed: list[Bar] = []
        changed = False
        for moment in range(now - count * _STRIDE, now + 1, _STRIDE) if now else ():
            self._now = moment
            told = self._step(moment - TOGETHER, HORIZON)
            committed += told.committed
            changed = changed or told.tentative is not None
        return Told(tuple(committed), self._tentative if changed else None)

    def finish(self, duration: int) -> Told:
        """All notes are there: whatever bars there are, are committed."""
        self._now = max(self._now, duration)
        step = self._step(duration + STEP, 0)
        rest = tuple(replace(bar, state=BarState.COMMITTED) for bar in self._tentative)
        self._commit(rest)
        self._tentative = ()
        return Told((*step.committed, *rest), () if step.tentative is not None or rest else None)

    def _step(self, until: int, horizon: int) -> Told:
        self._listen(until)
        bars = self._bars(until)
        settled = []
        while bars and bars[0].end <= until - horizon and (len(bars) > 1 or not horizon):
            bar = replace(bars.pop(0), state=BarState.COMMITTED)
            settled.append(bar)
        self._commit(settled)
        after = tuple(bars)
        go_on = _go_on((*settled, *after), self._tentative)
        self._next_look = self._now + (max(self._apart, STEADY_STEP) if go_on else self._apart)
        changed = _differ(after, self._tentative)
        if changed:
            self._tentative = after
        return Told(tuple(settled), after if changed else None)

    def _drawn_out(self, until: int) -> Told:
        """Without a look: the bars that were told last go on up to now, as they will if the player does."""
        *before, last = self._tentative
        length, count = (last.end - last.start) / len(last.beats), last.signature.beats
        more = range(1, ceil((until - last.end) / length) + 1)
        beats = [*last.beats, *(last.end + round(length * n) for n in (0, *more))]
        if not more or last.is_pickup:
            return Told((), None)
        cuts = [*range(0, len(beats) - 1, count), len(beats) - 1]
        drawn = [
            replace(last, number=last.number + n, beats=tuple(beats[start:end]), end=beats[end])
            for n, (start, end) in enumerate(pairwise(cuts))
        ]
        self._tentative = (*before, *drawn)
        return Told((), self._tentative)

    def _commit(self, bars: Sequence[Bar]) -> None:
        """Keep what the next ones need to know and no more: a session may last for days."""
        self._committed = [*self._committed, *bars][-WINDOW:]
        if bars and self._lattice is not None:
            heard = bars[-1].end - LISTENED - SAMPLE_RATE_HZ
            self._lattice.forget(heard)
            keep = self._first_onset(min(heard, self._committed[0].start))
            del self._onsets[:keep], self._marks[:keep]

    def _listen(self, until: int) -> None:
        known = [note for note in self._waiting if note.onset <= until]
        self._waiting = [note for note in self._waiting if note.onset > until]
        # A stroke's last notes may lie beyond; they wait for their first one's turn only if all of it does.
        for onset in onsets_of(known):
            mark = self._marker.mark(onset)
            self._onsets.append(onset)
            self._marks.append(mark)
            if self._lattice is None:
                self._lattice = Lattice(onset.time, LATTICE)
            self._lattice.advance(onset.time)
            self._lattice.add(onset.time, mark_weight(mark))
        if self._lattice is not None:
            self._lattice.advance(until)

    def _bars(self, until: int) -> list[Bar]:
        """All bars that are not committed yet, up to now."""
        if is_timed(self._lock):
            begin = self._committed[-1].end if self._committed else None
            return self._said_bars(self._since_committed(locked_beats(self._onsets, until, self._lock, begin)))
        heard = self._heard(until)
        if heard is None:
            return self._through_silence(until)
        row = heard.beats.tolist()
        if self._lock.signature is not None and self._lock.signature.beats not in COUNTS:
            return self._said_bars(self._since_committed(row))
        begin = self._begins_at(row)
        beats = row[begin:]
        places = [(begin + n - heard.first) % heard.count for n in range(len(beats))]
        if self._committed:
            beats[0], places[0] = self._committed[-1].end, 0
            silent = self._until(beats[1])[1:] if len(beats) > 1 else []
            places[1:1] = [n % self._committed[-1].signature.beats for n in range(1, len(silent) + 1)]
            beats[1:1] = silent
        if len(beats) < 2:
            return []
        past = [beat for bar in self._committed for beat in bar.beats][-WINDOW:]
        shown = [*past, *beats]
        near = self._onsets[self._first_onset(shown[0]) :]
        odds = np.full(len(shown), heard.odds)
        sure = believed(figures(shown, [onset.time for onset in near], odds), LIVE_CONFIDENCE)[len(past) :]
        counts = [heard.count] * len(beats)
        return self._cut(beats, places, counts, sure.tolist(), swing_of(shown, near))

    def _until(self, time: int) -> list[int]:
        """Even beats from the end of the committed bars to less than half a beat before a moment."""
        last = self._committed[-1]
        length = (last.end - last.start) / len(last.beats)
        count = max(1, round((time - last.end) / length))
        return [round(last.end + (time - last.end) * n / count) for n in range(count)]

    def _through_silence(self, until: int) -> list[Bar]:
        """Nothing has sounded for long: bars go on as they were, and nobody is sure of them."""
        if not self._committed:
            return []
        last = self._committed[-1]
        length = (last.end - last.start) / len(last.beats)
        beats = [round(last.end + length * n) for n in range(max(0, int((until - last.end) / length)) + 2)]
        places = [n % last.signature.beats for n in range(len(beats))]
        counts, sure = [last.signature.beats] * len(beats), [0.0] * len(beats)
        return self._cut(beats, places, counts, sure, last.swing)

    def _heard(self, until: int) -> Heard | None:
        first = bisect_left(self._onsets, until - LISTENED, key=lambda onset: onset.time)
        onsets, marks = self._onsets[first:], self._marks[first:]
        if len(self._onsets) < FEWEST or self._lattice is None or not onsets:
            return None
        evidence = listen(onsets, marks, until)
        path = np.asarray([self._lattice.time_of(frame) for frame in self._lattice.path()], np.int64)
        rows = live_rows(evidence, path, np.asarray([onset.time for onset in onsets], np.int64))
        last = self._committed[-1] if self._committed else None
        return choose(
            until, evidence, rows, path, left_by(self._lock), (last.end, last.signature.beats) if last else None
        )

    def _begins_at(self, row: Sequence[int]) -> int:
        """Index of the first beat that is not committed: that of the first stroke, or the one at the last bar's end."""
        if not self._committed:
            return max(0, sum(beat <= self._onsets[0].time + HOP * 4 for beat in row) - 1)
        end, last = self._committed[-1].end, self._committed[-1].beats[-1]
        return max(0, sum(beat <= end + (end - last) / 2 for beat in row) - 1)

    def _first_onset(self, after: int) -> int:
        """Index of the last onset before a sample, 0 where none is."""
        return max(0, int(np.searchsorted([onset.time for onset in self._onsets], after)) - 1)

    def _said_bars(self, beats: Sequence[int]) -> list[Bar]:
        """Bars on beats or in a metre that a person has set; `beats` are not committed yet."""
        if len(beats) < 2:
            return []
        past = [beat for bar in self._committed for beat in bar.beats][-WINDOW:]
        row = [*past, *beats]
        first = self._first_onset(row[0])
        onsets, marks = self._onsets[first:], self._marks[first:]
        only = self._lock.signature.beats if self._lock.signature else None
        metre = find_metre(hear(row, onsets, marks), METRE, only, self._locked_first(row))
        sure = believed(figures(row, [onset.time for onset in onsets], metre.clarity), CONFIDENCE)
        if is_timed(self._lock):
            sure = np.maximum(sure, 1.0 if self._lock.bar_one is not None else 0.5)
        start = len(past)
        places, counts = metre.positions[start:], metre.counts[start:]
        return self._cut(beats, places.tolist(), counts.tolist(), sure[start:].tolist(), swing_of(row, onsets))

    def _cut(
        self, beats: Sequence[int], places: list[int], counts: list[int], sure: list[float], swing: float
    ) -> list[Bar]:
        begins = [0, *(index for index in range(1, len(beats) - 1) if places[index] == 0)]
        number = self._committed[-1].number + 1 if self._committed else int(places[0] == 0)
        bars = []
        for begin, end in zip(begins, [*begins[1:], len(beats) - 1], strict=True):
            within = tuple(beats[begin:end])
            is_last = end == len(beats) - 1
            full = counts[begin] if number == 0 or is_last or len(within) == counts[begin] else len(within)
            signature = self._lock.signature or signature_of(full)
            confidence = round(float(np.mean(sure[begin:end])), 2)
            bars.append(Bar(number, within, beats[end], signature, confidence, swing))
            number += 1
        return bars

    def _since_committed(self, beats: Sequence[int]) -> list[int]:
        """Beats from the end of what is committed; the last one ends the last bar."""
        if not self._committed:
            before = sum(beat <= self._onsets[0].time + HOP * 4 for beat in beats) if self._onsets else 1
            return list(beats[max(0, before - 1) :])
        end, last = self._committed[-1].end, self._committed[-1].beats[-1]
        return [end, *(beat for beat in beats if beat > end + (end - last) / 2)]

    def _locked_first(self, row: Sequence[int]) -> int | None:
        """A beat that begins a bar, where one is locked: that one, or the first after the bars counted from it."""
        if self._lock.bar_one is None:
            return None
        if self._committed and self._committed[-1].end > self._lock.bar_one:
            return row.index(self._committed[-1].end)
        return place_of(row, self._lock.bar_one) if row[-1] >= self._lock.bar_one else None


def _go_on(bars: Sequence[Bar], told: Sequence[Bar]) -> bool:
    """Whether bars that were told are there again; the last of them was not over."""
    whole = told[:-1]
    return (
        bool(whole)
        and len(bars) >= len(whole)
        and all(
            len(bar.beats) == len(other.beats)
            and abs(bar.start - other.start) < _NEAR
            and abs(bar.end - other.end) < _NEAR
            for bar, other in zip(bars, whole, strict=False)
        )
    )


def _differ(bars: Sequence[Bar], others: Sequence[Bar]) -> bool:
    """Whether anything that shows has changed."""
    if len(bars) != len(others):
        return True
    return any(
        (a.number, a.beats, a.signature, round(a.confidence, 1))
        != (b.number, b.beats, b.signature, round(b.confidence, 1))
        or abs(a.end - b.end) > HOP
        for a, b in zip(bars, others, strict=True)
    )
