"""The guitar model: a convolutional network that hears frame after frame and never looks back further than its state.

A causal trunk at half the frame rate (harmonics stacked as in Bittner et al. 2017, blocks dilated in time and looking
an octave up and down), two heads: an early one that speaks one step after the sound, and a late one that waits for
`LATE_DELAY` frames and says everything: onset, sounding, offset, velocity, deviation from the pitch, string.
Level is judged against the loudest bin of the recent past, which falls by a fixed slope; nothing is normalised over a
window. All that is remembered from one block of samples to the next is packed in one vector.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from inference.training.front_end import BINS, BINS_PER_SEMITONE, HISTORY, HOP, PITCHES, FrontEnd

STRINGS = 8
EARLY_DELAY = 2
"""Frames between the newest frame heard and the newest one the early head speaks about."""
LATE_DELAY = 8
"""The same of the late head."""

_HARMONICS = (0.5, 1, 2, 3, 4, 5, 6, 7, 8, 10)
_RANGE = PITCHES * BINS_PER_SEMITONE
_FLOOR = 0.002
_SLOPE = 6.0 / 20 * math.log(10) * HOP / 22050
_COMPRESSION = 500.0
_MEMORIES_S = (0.15, 0.7, 3.0)
_TRUNK_S = 2 * HOP / 22050


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a network."""

    first: int = 40
    channels: int = 48
    late: int = 48
    last: int = 32
    dilations: tuple[int, ...] = (1, 2, 4, 8)


@dataclass(slots=True)
class Outputs:
    """Logits and values of a stretch of frames; t counts trunk frames, each of which speaks for two frames.

    `early` [b, t, 2 (onset, sounding), 2, p], `onset`, `sounding`, `offset` [b, t, 2, p], `velocity`, `deviation`
    [b, t, p], `strings` [b, t, 8, p].
    """

    early: Tensor
    onset: Tensor
    sounding: Tensor
    offset: Tensor
    velocity: Tensor
    deviation: Tensor
    strings: Tensor


class Memory:
    """The packed state, read from the front and written anew in the same order; None reads as silence."""

    def __init__(self, packed: Tensor | None, batch: int) -> None:
        self._packed = packed
        self._batch = batch
        self._read = 0
        self._written: list[Tensor] = []

    def take(self, *shape: int) -> Tensor:
        """The next part, f32[b, *shape]."""
        size = math.prod(shape)
        begin, self._read = self._read, self._read + size
        if self._packed is None:
            return torch.zeros(self._batch, *shape)
        return self._packed[:, begin : begin + size].reshape(-1, *shape)

    def keep(self, part: Tensor) -> None:
        """What `take` gives in the next block, in the order of taking."""
        self._written.append(part.flatten(1))

    def packed(self) -> Tensor:
        """Everything that was kept."""
        return torch.cat(self._written, dim=1)


class CausalConv(nn.Module):
    """A convolution over (time, pitch) that sees the past through the memory."""

    def __init__(self, inputs: int, outputs: int, taps: int, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.past = (taps - 1) * dilation
        self.inputs = inputs
        self.conv = nn.Conv2d(
            inputs, outputs, (taps, width), padding=(0, width // 2), dilation=(dilation, 1), bias=False
        )
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, heard: Tensor, memory: Memory) -> Tensor:
        """[b, c, t, p] → [b, d, t, p]."""
        past = memory.take(self.inputs, self.past, heard.shape[3]).to(heard.dtype)
        heard = torch.cat([past, heard], dim=2)
        memory.keep(heard[:, :, -self.past :])
        return self.norm(self.conv(heard))


class Block(nn.Module):
    """Back in time, then an octave up and down."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.time = CausalConv(channels, channels, 3, 3, dilation)
        self.octave = nn.Conv2d(channels, channels, (1, 3), padding=(0, 12), dilation=(1, 12), bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, heard: Tensor, memory: Memory) -> Tensor:
        """[b, c, t, p] → [b, c, t, p]."""
        found = functional.relu(self.time(heard, memory))
        return functional.relu(heard + self.norm(self.octave(found)))


class Network(nn.Module):
    """Magnitudes to notes. See the module's text."""

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or Shape()
        self.first = CausalFirst(shape)
        self.blocks = nn.ModuleList([Block(shape.channels, dilation) for dilation in shape.dilations])
        self.early = nn.Conv2d(shape.channels, 4, (1, 3), padding=(0, 1))
        self.late_1 = CausalConv(shape.channels, shape.late, 5, 3)
        self.late_2 = CausalConv(shape.late, shape.last, 5, 3)
        self.say = nn.Conv2d(shape.last, 8, 1)
        self.strings = StringHead(shape.last)
        for head in (self.early, self.say):
            nn.init.constant_(head.bias, -4.0)

    def forward(self, magnitudes: Tensor, frets: Tensor, memory: Memory) -> Outputs:
        """Hear a stretch.

        Args:
            magnitudes: f32[b, 2t, BINS], of the front end.
            frets: f32[b, 8, p], see `StringHead`.
            memory: what is known of the past.
        """
        trunk = self.first(_levelled(magnitudes, memory), memory)
        for block in self.blocks:
            trunk = block(trunk, memory)
        early = self.early(trunk)
        late = functional.relu(self.late_1(trunk, memory))
        late = functional.relu(self.late_2(late, memory))
        said = self.say(late).float()
        early = early.float().permute(0, 2, 1, 3)
        onset, sounding, offset = (said[:, i : i + 2].transpose(1, 2) for i in (0, 2, 4))
        strings = self.strings(late.float(), early[:, :, :2], onset, sounding, frets, memory)
        return Outputs(
            early.reshape(-1, _length(early), 2, 2, PITCHES),
            onset,
            sounding,
            offset,
            said[:, 6] + 4.0,
            said[:, 7] + 4.0,
            strings,
        )


class CausalFirst(nn.Module):
    """Harmonics side by side and a look at the whole spectrum: [b, 2t, BINS] → [b, c, t, p]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.conv = nn.Conv2d(len(_HARMONICS), shape.first, (5, 5), stride=(2, 3), padding=(0, 1), bias=False)
        self.norm = nn.BatchNorm2d(shape.first)
        self.widen = nn.Conv2d(shape.first, shape.channels, 1)
        self.whole = nn.Sequential(nn.Linear(2 * BINS, 96), nn.ReLU(), nn.Linear(96, shape.channels))

    def forward(self, levels: Tensor, memory: Memory) -> Tensor:
        """See the class."""
        whole = self.whole(levels.reshape(-1, _length(levels) // 2, 2 * BINS))
        levels = torch.cat([memory.take(3, BINS), levels], dim=1)
        memory.keep(levels[:, -3:])
        stacked = torch.stack([_shifted(levels, harmonic) for harmonic in _HARMONICS], dim=1)
        found = functional.relu(self.norm(self.conv(stacked)))
        return functional.relu(self.widen(found) + whole.transpose(1, 2)[..., None])


class StringHead(nn.Module):
    """Which string a note that begins is on: from its sound, and from what is played around it on which neck.

    `frets` f32[b, 8, p]: for every string the fret of a pitch from the capo on, divided by 12; -1 where the string does
    not have it. What sounds, began lately and is about to begin enters as it was heard, not as it was played.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.near = nn.Sequential(nn.Conv2d(channels + STRINGS, 32, 1), nn.ReLU(), nn.Conv2d(32, STRINGS, 1))
        heard = (3 + len(_MEMORIES_S)) * PITCHES
        self.around = nn.Linear(heard, 256)
        self.neck = nn.Linear(STRINGS * PITCHES, 256)
        self.place = nn.Sequential(nn.ReLU(), nn.Linear(256, 192), nn.ReLU(), nn.Linear(192, STRINGS * PITCHES))

    def forward(
        self, late: Tensor, early: Tensor, onset: Tensor, sounding: Tensor, frets: Tensor, memory: Memory
    ) -> Tensor:
        """Log probabilities [b, t, 8, p]."""
        length = _length(onset)
        begun = torch.sigmoid(onset.detach()).sum(2).clamp(max=1.0)
        sounds = torch.sigmoid(sounding.detach()).amax(2)
        coming = torch.sigmoid(early.detach()).sum(2).clamp(max=1.0)
        coming = torch.cat([memory.take(2, PITCHES), coming], dim=1)
        memory.keep(coming[:, -2:])
        # At its newest the early head speaks about three trunk frames after the one the late head speaks about.
        soon = coming[:, :length] + coming[:, 1 : length + 1] + coming[:, 2:]
        lately = [_decaying(begun, seconds, memory) for seconds in _MEMORIES_S]
        around = self.around(torch.cat([begun, sounds, soon, *lately], dim=2)) + self.neck(frets.flatten(1))[:, None]
        context = self.place(around).reshape(-1, length, STRINGS, PITCHES)
        necks = frets[:, :, None].expand(-1, STRINGS, length, PITCHES)
        near = self.near(torch.cat([late, necks], dim=1)).transpose(1, 2)
        return functional.log_softmax(context + near - 60.0 * (frets < 0).float()[:, None], dim=2)


class Streamed(nn.Module):
    """Front end and network as they are served: samples and state in, probabilities and state out."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.front_end = FrontEnd()
        self.network = network

    def forward(self, samples: Tensor, frets: Tensor, state: Tensor) -> tuple[Tensor, ...]:
        """One block of 512 k samples f32[b, 512 k]. The outputs in the order of `OUTPUT_NAMES`."""
        memory = Memory(state, samples.shape[0])
        samples = torch.cat([memory.take(HISTORY), samples], dim=1)
        memory.keep(samples[:, -HISTORY:])
        said = self.network(self.front_end(samples), frets, memory)
        length = _length(said.onset)
        early = torch.sigmoid(said.early).transpose(2, 3).reshape(-1, 2 * length, 2, PITCHES)
        rows = [
            torch.sigmoid(map_).reshape(-1, 2 * length, PITCHES) for map_ in (said.onset, said.sounding, said.offset)
        ]
        velocity = said.velocity.clamp(0.0, 1.0).repeat_interleave(2, dim=1)
        deviation = said.deviation.repeat_interleave(2, dim=1)
        strings = torch.exp(said.strings).repeat_interleave(2, dim=1)
        return early, *rows, velocity, deviation, strings, memory.packed()


OUTPUT_NAMES = ("early", "onset", "frame", "offset", "velocity", "deviation", "strings", "next_state")


def state_size(network: Network) -> int:
    """Floats in the packed state."""
    with torch.no_grad():
        memory = Memory(None, 1)
        memory.take(HISTORY)
        memory.keep(torch.zeros(1, HISTORY))
        network(torch.zeros(1, 2, BINS), torch.zeros(1, STRINGS, PITCHES), memory)
        return memory.packed().shape[1]


def calibrated_biases(network: Network) -> Iterator[Tensor]:
    """The biases that move all onset logits, early then late; calibration sets them."""
    yield network.early.bias[:2]
    yield network.say.bias[:2]


def _length(map_: Tensor) -> int:
    """Of dimension 1, as a number that an exported graph takes for a constant."""
    return int(map_.shape[1])


def _levelled(magnitudes: Tensor, memory: Memory) -> Tensor:
    """Magnitudes against the recent loudest, compressed: 0 is silence, 1 the loudest."""
    frames = _length(magnitudes)
    loudest = torch.log(magnitudes.amax(2).clamp(min=1e-9) / _FLOOR)
    at = torch.arange(frames)
    age = (at[:, None] - at[None]).to(torch.float32)
    faded = torch.where(age >= 0, loudest[:, None] - _SLOPE * age, torch.full((), -100.0)).amax(2)
    before = memory.take(1) - _SLOPE * (at + 1).to(torch.float32)[None]
    reference = torch.maximum(faded, before).clamp(min=0.0)
    memory.keep(reference[:, -1:])
    scale = torch.exp(-reference)[:, :, None] * (_COMPRESSION / _FLOOR)
    return torch.log1p(magnitudes * scale) / math.log1p(_COMPRESSION)


def _shifted(levels: Tensor, harmonic: float) -> Tensor:
    """The bins a harmonic above (or below) the range of pitches: [b, t, BINS] → [b, t, 3 p]."""
    begin = round(12 * BINS_PER_SEMITONE * math.log2(harmonic))
    end = begin + _RANGE
    part = levels[:, :, max(0, begin) : min(BINS, end)]
    return functional.pad(part, (max(0, -begin), max(0, end - BINS)))


def _decaying(begun: Tensor, seconds: float, memory: Memory) -> Tensor:
    """[b, t, p] summed up over the past, fading with a time constant."""
    length = _length(begun)
    at = torch.arange(length)
    age = (at[:, None] - at[None]).to(torch.float32)
    weights = torch.where(age >= 0, torch.exp(-age.clamp(min=0.0) * (_TRUNK_S / seconds)), torch.zeros(()))
    before = (
        memory.take(PITCHES)[:, None] * torch.exp(-(at + 1).to(torch.float32) * (_TRUNK_S / seconds))[None, :, None]
    )
    summed = torch.matmul(weights[None], begun) + before
    memory.keep(summed[:, -1:])
    return summed
