"""Fits the network that hears beats in notes: `python -m bench.fit_beats_network [--steps N]`.

Writes `music/beats_network.npz`. Needs torch (`make torch`), one core and half an hour.
Every example is composed (`bench/_beat_examples.py`); each is seen a few times, in other keys. What is written is the
mean of the weights over the last steps, and what was reached is said on examples that were not fitted on.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench._beat_examples import NETWORK_SEED, BeatExample, beat_examples
from music.beats_hearing import CHROMA, HEARD
from music.beats_network import METRES, OUTPUTS, TAPS, TEMPI, BeatNetwork

ROOT = Path(__file__).resolve().parents[1]
CHANNELS, LAYERS = 40, 10
_BATCH, _FRESH, _KEPT = 8, 2, 3000
_JUDGED = 160
_SLOPE, _WARM_UP, _DECAY = 3e-3, 300, 1e-4
_MEMORY = 0.998
_DOWNBEATS, _METRE, _TEMPO = 1.5, 0.03, 0.03
"""What an error in one of these counts beside one in a beat."""


class Net(nn.Module):
    """`music.beats_network.BeatNetwork`, to be fitted."""

    def __init__(self) -> None:
        super().__init__()
        self.entry = nn.Conv1d(HEARD, CHANNELS, 1)
        self.inner = nn.ModuleList(
            nn.Conv1d(CHANNELS, CHANNELS, TAPS, dilation=2**n, padding=2**n * (TAPS // 2)) for n in range(LAYERS)
        )
        self.outer = nn.ModuleList(nn.Conv1d(CHANNELS, CHANNELS, 1) for _ in range(LAYERS))
        self.head = nn.Conv1d(CHANNELS, OUTPUTS, 1)
        self.dropped = nn.Dropout1d(0.05)
        with torch.no_grad():
            for conv in self.outer:
                conv.weight.mul_(0.5)
            self.head.bias[:2] = -3.0

    def forward(self, heard: Tensor) -> Tensor:
        """f32[batch, OUTPUTS, frames] from f32[batch, HEARD, frames]."""
        now = functional.relu(self.entry(heard))
        for inner, outer in zip(self.inner, self.outer, strict=True):
            now = now + outer(self.dropped(functional.relu(inner(now))))
        found: Tensor = self.head(functional.relu(now))
        return found

    def numbers(self) -> BeatNetwork:
        """As plain arrays."""
        inner = [conv.weight.permute(2, 1, 0) for conv in self.inner]
        outer = [conv.weight[:, :, 0].T for conv in self.outer]
        arrays = {
            "entry": self.entry.weight[:, :, 0].T,
            "entry_bias": self.entry.bias,
            "inner": torch.stack(inner),
            "inner_bias": torch.stack([conv.bias for conv in self.inner]),
            "outer": torch.stack(outer),
            "outer_bias": torch.stack([conv.bias for conv in self.outer]),
            "head": self.head.weight[:, :, 0].T,
            "head_bias": self.head.bias,
        }
        return BeatNetwork.from_arrays({name: part.detach().numpy() for name, part in arrays.items()})


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.fit_beats_network")
    parser.add_argument("--steps", type=int, default=6_500)
    parser.add_argument("--to", type=Path, default=ROOT / "music" / "beats_network.npz")
    wish = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    judged = list(islice(beat_examples(NETWORK_SEED - 10_000), _JUDGED))
    net, kept = Net(), Net()
    kept.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=_SLOPE, weight_decay=_DECAY)
    begun, recent = time.monotonic(), 0.0
    for step, batch in enumerate(islice(_batches(np.random.default_rng(0)), wish.steps), 1):
        rate = min(1.0, step / _WARM_UP) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / wish.steps)))
        optimiser.param_groups[0]["lr"] = _SLOPE * rate
        loss = _loss(net, batch).sum()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        memory = min(_MEMORY, step / (step + 20))
        with torch.no_grad():
            for mean, now in zip(kept.parameters(), net.parameters(), strict=True):
                mean.lerp_(now, 1 - memory)
        recent = loss.item() if step == 1 else 0.98 * recent + 0.02 * loss.item()
        if step % 500 == 0 or step == wish.steps:
            np.savez_compressed(wish.to, **kept.numbers().to_arrays())  # type: ignore[arg-type]
            said = f"step {step}, {time.monotonic() - begun:.0f} s: fitted {recent:.4f}, others {judge(kept, judged)}"
            sys.stderr.write(said + "\n")


def judge(net: Net, examples: Sequence[BeatExample]) -> str:
    """Mean loss of beats, downbeats, metre and tempo."""
    net.eval()
    with torch.no_grad():
        losses = [_loss(net, examples[at : at + 20]) for at in range(0, len(examples), 20)]
    return " ".join(f"{value:.4f}" for value in torch.stack(losses).mean(dim=0).tolist())


def _batches(random: np.random.Generator) -> Iterator[list[BeatExample]]:
    """Some new examples each time, and some that have been seen."""
    fresh, seen = beat_examples(NETWORK_SEED), list[BeatExample]()
    while True:
        new = list(islice(fresh, _FRESH if len(seen) >= _KEPT // 10 else _BATCH))
        again = [seen[int(at)] for at in random.integers(0, max(1, len(seen)), _BATCH - len(new))]
        for example in new:
            if len(seen) < _KEPT:
                seen.append(example)
            else:
                seen[int(random.integers(_KEPT))] = example
        yield [_transposed(example, int(random.integers(12))) for example in (*new, *again)]


def _transposed(example: BeatExample, up: int) -> BeatExample:
    heard = example.heard.astype(np.float32)
    for begin in CHROMA:
        heard[:, begin : begin + 12] = np.roll(heard[:, begin : begin + 12], up, axis=1)
    return BeatExample(heard.astype(np.float16), example.beats, example.metre, example.tempo, example.known)


def _loss(net: Net, batch: Sequence[BeatExample]) -> Tensor:
    """f32[4]: of beats, downbeats, metre and tempo, as each counts."""
    heard = torch.from_numpy(np.stack([example.heard for example in batch]).astype(np.float32)).transpose(1, 2)
    truth = torch.from_numpy(np.stack([example.beats for example in batch])).transpose(1, 2)
    known = torch.from_numpy(np.stack([example.known for example in batch]))
    found = net(heard)
    odds = functional.binary_cross_entropy_with_logits(found[:, :2], truth, reduction="none")
    beats, downs = (10 * (odds * known[:, None]).sum(dim=(0, 2)) / known.sum()).unbind()
    metre = torch.tensor([example.metre for example in batch])[:, None].expand(-1, known.shape[1])
    scores = functional.cross_entropy(found[:, 2 : 3 + len(METRES)], metre, reduction="none")
    tempo = torch.from_numpy(np.stack([example.tempo for example in batch]))
    near = torch.exp(-0.5 * ((tempo[:, None] - torch.arange(TEMPI)[None, :, None]) / 0.7) ** 2)
    near = torch.cat([near * (tempo >= 0)[:, None], (tempo < 0)[:, None].float()], dim=1)
    spread = near / near.sum(dim=1, keepdim=True)
    tempi = -(functional.log_softmax(found[:, 3 + len(METRES) :], dim=1) * spread).sum(dim=1)
    means = ((part * known).sum() / known.sum() for part in (scores, tempi))
    of_metre, of_tempo = means
    return torch.stack([beats, _DOWNBEATS * downs, 10 * _METRE * of_metre, 10 * _TEMPO * of_tempo])


if __name__ == "__main__":
    main()
