"""When memory counts as flat."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench import soak
from bench._flatness import course_of, courses_of, returned
from bench._processes import Memory


def looks(pss: Sequence[float]) -> list[Memory]:
    return [Memory(rss=mib + 20, pss=mib) for mib in pss]


def test_a_warm_up_is_forgiven() -> None:
    course = course_of(looks([50, 60, 80, 90, 95, 98] + [100] * 54))
    assert course.is_flat
    assert (course.baseline, course.end, course.rss_end) == (100, 100, 120)


def test_a_leak_shows_however_slow() -> None:
    course = course_of(looks([100 + 0.2 * n for n in range(60)]))
    assert not course.is_flat
    assert course.growth == pytest.approx(0.085, abs=0.01)


def test_a_peak_that_is_given_back_is_no_leak_but_is_told() -> None:
    course = course_of(looks([100.0] * 30 + [150.0] * 3 + [101.0] * 27))
    assert course.is_flat
    assert course.highest == 150


def test_memory_that_falls_is_flat() -> None:
    assert course_of(looks([100.0 - n for n in range(60)])).is_flat


def test_too_few_looks_are_no_course() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        course_of(looks([100.0] * 9))


def test_every_process_has_its_own_course() -> None:
    both = [{"edge": a, "nats": b} for a, b in zip(looks([100.0] * 20), looks(range(10, 30)), strict=True)]
    assert {name: course.is_flat for name, course in courses_of(both).items()} == {"edge": True, "nats": False}


@pytest.mark.parametrize(("after", "is_flat"), [(104.9, True), (105.1, False), (80.0, True)])
def test_sessions_that_are_over_leave_nothing_behind(after: float, is_flat: bool) -> None:
    (before,), (later,) = looks([100.0]), looks([after])
    assert returned({"edge": before}, {"edge": later})["edge"].is_flat is is_flat


def test_only_what_is_ours_is_judged() -> None:
    grown = {name: course_of(looks([100.0 + n for n in range(60)])) for name in ("nats", "orchestrator", "edge")}
    assert [line.split()[2] for line in soak._grown(grown, "a test")] == ["orchestrator", "edge"]


def test_quick_is_short_and_what_is_given_goes_first() -> None:
    full, quick = soak._parse([]), soak._parse(["--quick", "--sessions", "5"])
    assert (full.minutes, full.sessions) == (120, 1000)
    assert (quick.minutes, quick.sessions) == (5, 5)
