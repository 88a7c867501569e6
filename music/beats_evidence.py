"""What the beat network says of a piece, and what a reading of it makes of that: figures for `music.beats_joint`.

A reading is good when the network expects beats where it has them and none where it has none, downbeats where its bars
begin, its metre and its tempo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats_hearing import HOP, hearing
from music.beats_network import FASTEST_BPM, METRES, SLOWEST_BPM, TEMPI, BeatNetwork, learned_network
from music.beats_onsets import Onset

Array = NDArray[np.float64]
_BEFORE, _AFTER = 50, 150
_LEAST, _MOST = -6.0, 4.0
"""Log odds beyond these say no more."""
_TEMPO_COUNTS = 0.75
_LOG_RANGE = float(np.log(FASTEST_BPM / SLOWEST_BPM))

BY_NETWORK = (
    "net_on", "net_log", "net_between", "net_caught", "net_gain", "net_gain_behind", "net_tempo", "net_tempo_behind",
    "net_free",
)  # fmt: skip
"""Figures of beats."""
BARS_BY_NETWORK = (
    "net_one", "net_other", "net_one_log", "net_other_log", "net_bars", "net_bars_behind", "net_down_gain",
    "net_down_gain_behind", "net_lead", "net_middle", "net_down_caught", "net_metre", "net_metre_behind",
    "net_all", "net_all_behind",
)  # fmt: skip
"""Figures of bars."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of a piece, every 20 ms.

    Attributes:
        begin: sample index of the first frame.
        beat, down: f64[frames], log odds of a beat and of a downbeat within a frame of it.
        beat_mass, down_mass: f64[frames + 1], probabilities added up.
        metre: f64[frames, METRES + 1], log probability; the last for none.
        tempo: f64[frames, TEMPI + 1], log probability; the last for none.
    """

    begin: int
    beat: Array
    down: Array
    beat_mass: Array
    down_mass: Array
    metre: Array
    tempo: Array

    def frames(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """The nearest frame of each sample index; the first or last one where it lies outside."""
        at = np.round((times - self.begin) / HOP).astype(np.int64)
        return np.clip(at, 0, len(self.beat) - 1)


def listen(onsets: Sequence[Onset], marks: Sequence[Array], end: int, network: BeatNetwork | None = None) -> Evidence:
    """What the network says, from a second before the first onset to the end or three seconds past the last one.

    Args:
        onsets: in time, one at least.
        marks: of each.
        end: of the recording, a sample index.
        network: instead of the fitted one.
    """
    begin = onsets[0].time // HOP * HOP - _BEFORE * HOP
    last = min(max(end, onsets[-1].time) // HOP + 1, onsets[-1].time // HOP + _AFTER)
    heard = hearing(onsets, marks, begin, last - begin // HOP)
    found = (network or learned_network()).outputs(heard).astype(np.float64)
    odds = np.clip(found[:, :2], -12, 12)
    chance = 1 / (1 + np.exp(-odds))
    mass = np.concatenate([np.zeros((1, 2)), np.cumsum(chance, axis=0)])
    near = np.pad(odds, ((1, 1), (0, 0)), mode="edge")
    near = np.maximum.reduce([near[:-2], near[1:-1], near[2:]])
    metre, tempo = found[:, 2 : 3 + len(METRES)], found[:, 3 + len(METRES) :]
    return Evidence(begin, near[:, 0], near[:, 1], mass[:, 0], mass[:, 1], _logs(metre), _logs(tempo))


@dataclass(frozen=True, slots=True)
class RowHeard:
    """What the network says of a row of n beats, from which figures of every metre are made.

    Attributes:
        own: f64[len(BY_NETWORK)], figures of the row; `net_gain_behind` is left 0.
        down: f64[n], log odds of a downbeat, within ±.
        chance: f64[n], probability of a downbeat.
        yes, no: f64[n], log of the share of beats like this that begin a bar, and of those that do not.
        caught: f64[n], probability of downbeats near each, as a share of all downbeats expected in the row.
        metre: f64[METRES + 1], mean probability.
        span_s: its length in seconds.
    """

    own: Array
    down: Array
    chance: Array
    yes: Array
    no: Array
    caught: Array
    metre: Array
    span_s: float


def row_heard(heard: Evidence, beats: NDArray[np.int64]) -> RowHeard:
    """What the network says of two beats or more."""
    at = heard.frames(beats)
    beat, down = np.clip(heard.beat[at], _LEAST, _MOST), np.clip(heard.down[at], _LEAST, _MOST)
    chance, is_beat = _chance(down), _chance(beat)
    # Of what is a beat, how much begins a bar.
    share = np.clip(chance / np.maximum(is_beat, 0.05), 0.02, 0.98)
    lengths = np.diff(beats)
    span_s = float(beats[-1] - beats[0] + np.median(lengths)) / SAMPLE_RATE_HZ
    own, most = _tempo(heard, at[:-1], lengths)
    figures = [
        is_beat.mean(),
        np.log(is_beat).mean(),
        _chance(heard.beat[heard.frames((beats[:-1] + beats[1:]) // 2)]).mean(),
        _caught(heard.beat_mass, at).sum(),
        beat.sum() / span_s,
        0.0,
        own,
        own - most,
        float(np.exp(heard.tempo[at[:-1], TEMPI]).mean()),
    ]
    metre = np.exp(heard.metre[at]).mean(axis=0)
    caught = _caught(heard.down_mass, at)
    return RowHeard(np.asarray(figures), down, chance, np.log(share), np.log(1 - share), caught, metre, span_s)


def _tempo(heard: Evidence, at: NDArray[np.int64], lengths: NDArray[np.int64]) -> tuple[float, float]:
    """Log of the mean probability of the row's tempo, and of the likeliest one's."""
    tempo = np.exp(heard.tempo[at, :TEMPI])
    bpm = 60 * SAMPLE_RATE_HZ / lengths
    place = np.clip(np.round(np.log(bpm / SLOWEST_BPM) / _LOG_RANGE * (TEMPI - 1)), 0, TEMPI - 1).astype(np.int64)
    near = np.clip(place + np.asarray([[-1], [0], [1]]), 0, TEMPI - 1)
    own = tempo[np.arange(len(place)), near].sum(axis=0).mean()
    return float(np.log(own + 1e-3)), float(np.log(tempo.mean(axis=0).max() + 1e-3))


def likeliest(heard: Evidence, rows: Sequence[NDArray[np.int64]], most: int) -> list[NDArray[np.int64]]:
    """The rows, of two beats at least, that agree best with what is expected, as many as asked for at most."""
    if len(rows) <= most:
        return list(rows)
    agrees = []
    for row in rows:
        at = heard.frames(row)
        odds = np.clip(heard.beat[at], _LEAST, _MOST)
        tempo, _ = _tempo(heard, at[:-1], np.diff(row))
        caught = float(_caught(heard.beat_mass, at).sum())
        agrees.append(np.log(_chance(odds)).mean() + np.log(max(caught, 1e-3)) + _TEMPO_COUNTS * tempo)
    return [rows[at] for at in sorted(np.argsort(-np.asarray(agrees), kind="stable")[:most])]


def bar_figures_by_network(row: RowHeard, count: int) -> Array:
    """f64[count, len(BARS_BY_NETWORK)] of bars of `count` beats, for each beat that may begin one.

    What is behind the best of all readings is left 0.
    """
    total = len(row.down)
    one = ((np.arange(total)[None] - np.arange(count)[:, None]) % count == 0).astype(np.float64)
    sizes = np.maximum(one.sum(axis=1), 1)
    others = np.maximum(total - sizes, 1)
    chance, own, yes, no, caught = (one @ np.stack([row.chance, row.down, row.yes, row.no, row.caught], axis=1)).T
    gain = own / row.span_s
    own = own / sizes
    lead = own - np.where(np.eye(count, dtype=bool), -np.inf, own[None]).max(axis=1)
    of_metre = float(np.log(row.metre[METRES.index(count)] + 1e-3))
    nothing = np.zeros(count)
    return np.column_stack(
        [
            chance / sizes,
            (row.chance.sum() - chance) / others,
            yes / sizes,
            (row.no.sum() - no) / others,
            (yes + row.no.sum() - no) / total,
            nothing,
            gain,
            nothing,
            lead,
            np.roll(chance / sizes, -(count // 2)),
            caught,
            np.full(count, of_metre),
            np.full(count, of_metre - float(np.log(row.metre[:-1].max() + 1e-3))),
            gain + row.own[BY_NETWORK.index("net_gain")],
            nothing,
        ]
    )


BEHIND = (("net_gain_behind", "net_gain"), ("net_bars_behind", "net_bars"), ("net_down_gain_behind", "net_down_gain"),
          ("net_all_behind", "net_all"))  # fmt: skip
"""Figures that are another one less the best of all readings."""


def _caught(mass: Array, at: NDArray[np.int64]) -> Array:
    """f64[n]: what lies within two frames of each beat, as a share of all between the first and the last one."""
    last = len(mass) - 1
    total = mass[min(at[-1] + 3, last)] - mass[max(at[0] - 2, 0)]
    near = mass[np.minimum(at + 3, last)] - mass[np.maximum(at - 2, 0)]
    return np.asarray(near / max(total, 1e-3))


def _chance(odds: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-odds)))


def _logs(scores: Array) -> Array:
    top = scores.max(axis=1, keepdims=True)
    return np.asarray(scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True)))
