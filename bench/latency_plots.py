"""Pictures of what `bench latency` measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Curve = Mapping[int, Mapping[str, float]]
"""By number of streams, figures by name; see `latency_report.curve_of`."""


def plot_distribution(path: Path, samples: Mapping[str, Sequence[float]], marks_ms: Mapping[str, float]) -> None:
    """How much of each kind of `samples` (ms) had come by when; `marks_ms` are drawn as what is asked for."""
    figure, axes = plt.subplots(figsize=(8, 4.5))
    for name, values in samples.items():
        if values:
            axes.step(np.sort(values), np.arange(1, len(values) + 1) / len(values), where="post", label=name)
    for name, at_ms in marks_ms.items():
        axes.axvline(at_ms, color="grey", linestyle=":", linewidth=1)
        axes.text(at_ms, 0.02, f" {name}", rotation=90, fontsize=8, color="grey", va="bottom")
    axes.set(xlabel="ms after the true onset", ylabel="share of the matched notes", ylim=(0, 1), xlim=(0, None))
    axes.set_title("One live stream: when notes are there")
    _save(path, figure, axes)


def plot_streams(path: Path, curves: Mapping[str, Curve], limit_ms: float) -> None:
    """Over the number of streams: p50 and p95, a pair of lines for each name; and beside it what a stream costs."""
    figure, (latency, cost) = plt.subplots(1, 2, figsize=(12, 4.5), width_ratios=(2, 1))
    for name, curve in curves.items():
        counts = sorted(curve)
        (line,) = latency.plot(counts, [curve[n]["p95"] for n in counts], marker="o", label=f"{name}, p95")
        p50 = [curve[n]["p50"] for n in counts]
        latency.plot(counts, p50, marker=".", linestyle="--", color=line.get_color(), label=f"{name}, p50")
        cost.plot(counts, [curve[n]["cores"] for n in counts], marker="o", color=line.get_color(), label=name)
    latency.axhline(limit_ms, color="grey", linestyle=":", linewidth=1)
    latency.set(xlabel="live streams at a time", ylabel="onset → TENTATIVE, ms", ylim=(0, None))
    latency.set_title("Latency under load")
    cost.set(xlabel="live streams at a time", ylabel="cores a stream, all servers", ylim=(0, None))
    cost.set_title("Cost")
    _save(path, figure, latency, cost)


def plot_plumbing(path: Path, curves: Mapping[str, Curve]) -> None:
    """Over the number of streams: how old an event is at the browser's socket, p50, p95 and p99."""
    figure, axes = plt.subplots(figsize=(8, 4.5))
    for name, curve in curves.items():
        counts = sorted(curve)
        color = None
        for share, style in (("p50", "--"), ("p95", "-"), ("p99", ":")):
            values = [curve[n][f"socket {share}"] for n in counts]
            (line,) = axes.plot(counts, values, marker=".", linestyle=style, color=color, label=f"{name}, {share}")
            color = line.get_color()
    axes.axhline(15.0, color="grey", linestyle=":", linewidth=1)
    axes.set(xlabel="live streams at a time", ylabel="event made → socket, ms", ylim=(0, None))
    axes.set_title("The plumbing's share")
    _save(path, figure, axes)


def _save(path: Path, figure: Figure, *all_axes: Axes) -> None:
    for axes in all_axes:
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
