"""Where beats and downbeats are, by a small network over the strokes: a temporal convolution over 20 ms frames.

After Davies and Böck, "Temporal convolutional networks for musical audio beat tracking" (EUSIPCO 2019): residual layers
whose dilation doubles, here over notes instead of a spectrogram. `bench/fit_beats_network.py` fits it on composed notes
and writes beats_network.npz. It proposes and gives evidence; `music.beats_joint` decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from music.learned_arrays import LearnedArrays

Float32s = NDArray[np.float32]
TAPS = 5
METRES = (2, 3, 4, 5, 7)
"""Beats of a bar it tells apart; one more output stands for no metre."""
SLOWEST_BPM, FASTEST_BPM, TEMPI = 38.0, 252.0, 30
"""Tempi it tells apart, evenly spaced in log tempo; one more output stands for no tempo."""
OUTPUTS = 2 + len(METRES) + 1 + TEMPI + 1


@dataclass(frozen=True, eq=False, slots=True)
class BeatNetwork(LearnedArrays):
    """Weights; layer n of `layers` has dilation 2ⁿ.

    Attributes:
        entry: f32[heard, c]; entry_bias: f32[c].
        inner: f32[layers, TAPS, c, c]; inner_bias: f32[layers, c].
        outer: f32[layers, c, c]; outer_bias: f32[layers, c].
        head: f32[c, OUTPUTS]; head_bias: f32[OUTPUTS].
    """

    entry: Float32s
    entry_bias: Float32s
    inner: Float32s
    inner_bias: Float32s
    outer: Float32s
    outer_bias: Float32s
    head: Float32s
    head_bias: Float32s

    def outputs(self, heard: Float32s) -> Float32s:
        """Log odds of a beat and of a downbeat, scores of metre, scores of tempo: f32[frames, OUTPUTS].

        Args:
            heard: f32[frames, heard], `beats_hearing.hearing`; before and after there is nothing.
        """
        now = np.maximum(heard @ self.entry + self.entry_bias, 0)
        frames, channels = now.shape
        for layer, (inner, outer) in enumerate(zip(self.inner, self.outer, strict=True)):
            step = 2**layer
            reach = step * (TAPS // 2)
            padded = np.zeros((frames + 2 * reach, channels), np.float32)
            padded[reach : reach + frames] = now
            hidden = np.broadcast_to(self.inner_bias[layer], now.shape).copy()
            for tap in range(TAPS):
                hidden += padded[tap * step : tap * step + frames] @ inner[tap]
            now = now + np.maximum(hidden, 0) @ outer + self.outer_bias[layer]
        found: Float32s = np.maximum(now, 0) @ self.head + self.head_bias
        return found


@cache
def learned_network() -> BeatNetwork:
    """The network that comes with this package."""
    return BeatNetwork.shipped("beats_network.npz")
