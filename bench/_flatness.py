"""Whether memory stayed where it was. Pure; what is looked at comes from `bench/soak.py`."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench._processes import Memory

TOLERANCE = 0.05
_WARM_UP, _EDGE = 0.1, 0.2


@dataclass(frozen=True, slots=True)
class Course:
    """One process's memory over a run, in MiB.

    Attributes:
        baseline, end: PSS after the warm-up and at the end.
        highest: PSS, of all looks.
        rss_end: resident, shared pages counted in full, at the end.
    """

    baseline: float
    end: float
    highest: float
    rss_end: float

    @property
    def growth(self) -> float:
        """Of PSS, as a share of the baseline; negative when it fell."""
        return self.end / self.baseline - 1

    @property
    def is_flat(self) -> bool:
        """Within 5 % of the baseline at the end. A process that gives memory back has lost none."""
        return self.growth <= TOLERANCE


def course_of(looks: Sequence[Memory]) -> Course:
    """A run's course from looks at even distances.

    The first tenth warms up and does not count; baseline and end are medians of the fifths at both ends of the rest, so
    that no single look decides.

    Raises:
        ValueError: fewer than ten looks.
    """
    if len(looks) < 10:
        raise ValueError(f"{len(looks)} looks say nothing about a course; at least 10 are needed")
    rest = looks[round(_WARM_UP * len(looks)) :]
    edge = max(1, round(_EDGE * len(rest)))
    return Course(
        statistics.median(look.pss for look in rest[:edge]),
        statistics.median(look.pss for look in rest[-edge:]),
        max(look.pss for look in looks),
        looks[-1].rss,
    )


def courses_of(looks: Sequence[Mapping[str, Memory]]) -> dict[str, Course]:
    """By process, each as `course_of` has it."""
    return {name: course_of([look[name] for look in looks]) for name in looks[0]}


def returned(before: Mapping[str, Memory], after: Mapping[str, Memory]) -> dict[str, Course]:
    """By process, from two looks at rest: before and after the load."""
    return {
        name: Course(before[name].pss, after[name].pss, max(before[name].pss, after[name].pss), after[name].rss)
        for name in before
    }
