"""Trains the guitar model on rendered music. `python -m inference.training.train --help`.

Everything it learns from is drawn from the recipe's seeds. Two cores take about an hour; a GPU runs the same command.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import queue
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from inference.training.crops import Crops, Targets
from inference.training.features import HeardPiece, band_only, read_shards, render_shards
from inference.training.front_end import PITCHES
from inference.training.network import EARLY_DELAY, LATE_DELAY, Memory, Network, Outputs, Shape
from inference.training.recipes import TRAINING, VALIDATION
from inference.training.resume import served_network
from inference.training.scoring import Scores, validate

_COLD_FRAMES = 32
"""At an example's start the network has not heard what came before it; nothing is asked there."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A training run; together with the version of the code it says what comes out, but for the order of sums."""

    pieces: int = 5000
    band_pieces: int = 900
    validation_pieces: int = 60
    steps: int = 4500
    minutes: float = 600.0
    batch: int = 12
    frames: int = 384
    rate: float = 2.5e-3
    decay: float = 0.02
    seed: int = 1
    check_every: int = 500


def main(arguments: Sequence[str] | None = None) -> None:
    """Render, train, write `network.pt`, `log.jsonl` and `run.json`."""
    options = _options(arguments)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        pieces=options.pieces, steps=options.steps, minutes=options.minutes, rate=options.rate, seed=options.seed
    )
    facts = {
        "command": " ".join(["python -m inference.training.train", *(arguments or sys.argv[1:])]),
        "plan": asdict(plan),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": options.device,
        "threads": torch.get_num_threads(),
    }
    (out / "run.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")
    guitars, bands, unseen = load_data(plan, options.features, options.workers)
    # Of the whole process, so not in `train`: sums of next to nothing are slow to compute.
    torch.set_flush_denormal(True)
    network = train(plan, guitars, bands, unseen, out, options.device, start=options.start)
    torch.save(network.state_dict(), out / "network.pt")


def load_data(plan: Plan, folder: Path, workers: int) -> tuple[list[HeardPiece], list[HeardPiece], list[HeardPiece]]:
    """Guitars, bands, and the validation set; rendered where they are not on disk."""
    # Bands are mixed in anew for every example; a few pieces have one in the recording, through the same microphone.
    alone = replace(TRAINING, band_share=0.15, band_only_share=0.0)
    sets = (
        (alone, range(plan.pieces), "guitar"),
        (band_only(TRAINING), range(900_000, 900_000 + plan.band_pieces), "band"),
        (VALIDATION, range(1_000_000, 1_000_000 + plan.validation_pieces), "validation"),
    )
    found = [list(read_shards(render_shards(recipe, seeds, folder / name, workers))) for recipe, seeds, name in sets]
    return found[0], found[1], found[2]


def train(
    plan: Plan,
    guitars: Sequence[HeardPiece],
    bands: Sequence[HeardPiece],
    unseen: Sequence[HeardPiece],
    out: Path,
    device: str,
    shape: Shape | None = None,
    start: Path | None = None,
) -> Network:
    """The network with the best validation score of the run; its weights are means over the last steps.

    `start` is what to go on from, see `--start`.
    """
    torch.manual_seed(plan.seed)
    crops = Crops(guitars, bands, plan.frames)
    network: Network = _begun(start, crops, shape).to(device).to(memory_format=torch.channels_last)
    smooth = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
    )
    optimizer = torch.optim.AdamW(network.parameters(), plan.rate, betas=(0.9, 0.98), weight_decay=plan.decay)
    best: tuple[float, dict[str, Tensor]] = (-1.0, {})
    begun, running = time.perf_counter(), 0.0
    for step, (magnitudes, frets, truths) in enumerate(_prefetched(crops, plan), start=1):
        warm = min(1.0, step / 200)
        minutes = (time.perf_counter() - begun) / 60
        done = max(step / plan.steps, minutes / plan.minutes)
        cosine = 0.5 + 0.5 * math.cos(math.pi * min(1.0, done))
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * warm * max(0.01, cosine)
        with torch.autocast(device, torch.bfloat16):
            said = network(magnitudes.to(device), frets.to(device), Memory(None, len(truths)))
        loss = loss_of(said, truths)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        smooth.update_parameters(network)
        running += (loss.item() - running) * max(0.01, 1 / step)
        if step % 50 == 0:
            _log(out, step=step, loss=running, minutes=minutes)
        if step % plan.check_every == 0 or done >= 1:
            scores = validate(smooth.module, unseen, device)
            _log(out, step=step, **asdict(scores))
            torch.save(smooth.module.state_dict(), out / "latest.pt")
            if _worth(scores) > best[0]:
                best = _worth(scores), {name: value.clone() for name, value in smooth.module.state_dict().items()}
        if done >= 1:
            break
    network.load_state_dict(best[1])
    network.eval()
    return network


def _begun(start: Path | None, crops: Crops, shape: Shape | None) -> Network:
    """A new network, or the one of saved weights or of the served graph."""
    if start is None:
        return Network(shape)
    if start.suffix == ".onnx":
        drawn = (crops.batch(np.random.default_rng([0, number]), 8) for number in range(4))
        return served_network(start, [(torch.from_numpy(batch[0]), torch.from_numpy(batch[1])) for batch in drawn])
    network = Network(shape)
    network.load_state_dict(torch.load(start, weights_only=True))
    return network


def loss_of(said: Outputs, truths: Sequence[Targets]) -> Tensor:
    """What is minimised: nats a frame, each part by its weight."""
    early, late = EARLY_DELAY, LATE_DELAY
    onset, sounding, offset, velocity, deviation = (
        torch.from_numpy(np.stack([getattr(truth, name) for truth in truths])).to(said.onset.device)
        for name in ("onset", "sounding", "offset", "velocity", "deviation")
    )
    parts = [
        (0.7, _cross(_rows(said.early[:, :, 0]), onset, early)),
        (0.1, _cross(_rows(said.early[:, :, 1]), sounding, early)),
        (1.0, _cross(_rows(said.onset), onset, late)),
        (0.2, _cross(_rows(said.sounding), sounding, late)),
        (0.2, _cross(_rows(said.offset), offset, late)),
    ]
    begin = slice(_COLD_FRAMES - late, -late)
    where = sounding[:, begin]
    heard = torch.repeat_interleave(torch.stack([said.velocity, said.deviation]).float(), 2, dim=2)
    heard = heard[:, :, _COLD_FRAMES:]
    count = where.sum() + 1.0
    parts.append((0.5, ((heard[0] - velocity[:, begin]).square() * where).sum() / count))
    bent = functional.smooth_l1_loss(heard[1], deviation[:, begin], reduction="none", beta=0.3)
    parts.append((0.5, (bent * where * (1 + 4 * (deviation[:, begin].abs() > 0.15))).sum() / count))
    parts.append((0.15, _string_loss(said.strings, truths)))
    return torch.stack([weight * part for weight, part in parts]).sum()


def _rows(map_: Tensor) -> Tensor:
    """[b, t, 2, p] → [b, 2t, p]."""
    return map_.reshape(map_.shape[0], -1, PITCHES)


def _cross(logits: Tensor, truth: Tensor, delay: int) -> Tensor:
    """Binary cross entropy a frame, summed over pitches; logits of frame t come `delay` frames later."""
    logits, truth = logits[:, _COLD_FRAMES:], truth[:, _COLD_FRAMES - delay : -delay]
    return functional.binary_cross_entropy_with_logits(logits.float(), truth, reduction="sum") / logits[..., 0].numel()


def _string_loss(strings: Tensor, truths: Sequence[Targets]) -> Tensor:
    """Cross entropy an onset; `strings` are log probabilities [b, t, 8, p], LATE_DELAY frames late."""
    rows = []
    for place, truth in enumerate(truths):
        frames = truth.string[:, 0] + LATE_DELAY
        fits = (frames >= _COLD_FRAMES) & (frames < 2 * strings.shape[1])
        part = truth.string[fits]
        rows.append(
            np.column_stack([np.full(len(part), place), (part[:, 0] + LATE_DELAY) // 2, part[:, 2], part[:, 1]])
        )
    place, frame, string, pitch = torch.from_numpy(np.concatenate(rows)).to(strings.device).T
    if len(place) == 0:
        return strings.sum() * 0.0
    return -strings[place, frame, string, pitch].clamp(min=-12.0).mean()


def _prefetched(crops: Crops, plan: Plan) -> Iterator[tuple[Tensor, Tensor, list[Targets]]]:
    """The plan's batches, drawn by a thread while the last one is learned from."""
    waiting: queue.Queue[tuple[NDArray[np.float32], NDArray[np.float32], list[Targets]]] = queue.Queue(4)

    def draw() -> None:
        for step in range(plan.steps):
            waiting.put(crops.batch(np.random.default_rng([plan.seed, step]), plan.batch))

    threading.Thread(target=draw, daemon=True).start()
    for _ in range(plan.steps):
        magnitudes, frets, truths = waiting.get()
        yield torch.from_numpy(magnitudes), torch.from_numpy(frets), truths


def _worth(scores: Scores) -> float:
    return scores.note_f1 + 0.2 * scores.early_f1 + 0.2 * scores.string_accuracy


def _log(out: Path, **facts: float) -> None:
    line = json.dumps({name: round(value, 4) for name, value in facts.items()})
    print(line, flush=True)
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(line + "\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    plan = Plan()
    parser = argparse.ArgumentParser(description="Train the guitar model on rendered music.")
    parser.add_argument("--out", type=Path, default=Path("var/training/run"))
    parser.add_argument("--features", type=Path, default=Path("var/training/features"))
    parser.add_argument("--pieces", type=int, default=plan.pieces)
    parser.add_argument("--steps", type=int, default=plan.steps)
    parser.add_argument("--minutes", type=float, default=plan.minutes, help="stop sooner, the rate falling with time")
    parser.add_argument("--rate", type=float, default=plan.rate)
    parser.add_argument("--start", type=Path, help="weights (.pt) or served graph (.onnx) to go on from")
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
