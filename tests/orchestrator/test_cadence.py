from __future__ import annotations

from music.audio import SAMPLE_RATE_HZ
from music.events import CadenceChanged
from orchestrator.cadence import Cadence

NORMAL = SAMPLE_RATE_HZ // 10


def drive(cadence: Cadence, rounds: int, busy: float, waiting: int = 0) -> list[CadenceChanged]:
    """Rounds of 100 ms of signal, each computing for a share of that time."""
    told = [cadence.observe(NORMAL, busy * 0.1, waiting) for _ in range(rounds)]
    return [change for change in told if change is not None]


def test_with_room_nothing_changes() -> None:
    cadence = Cadence(NORMAL, SAMPLE_RATE_HZ // 2)
    assert drive(cadence, 100, 0.2) == []
    assert cadence.step == NORMAL


def test_it_widens_and_stops_before_anything_waits() -> None:
    cadence = Cadence(NORMAL, SAMPLE_RATE_HZ // 2)
    told = drive(cadence, 100, 0.95)
    assert [change.cadence for change in told] == [2 * NORMAL, 4 * NORMAL, 0]
    assert {change.cause for change in told} == {"load"}


def test_a_backlog_stops_previews_at_once_and_is_told_once() -> None:
    cadence = Cadence(NORMAL, SAMPLE_RATE_HZ // 2)
    assert drive(cadence, 30, 0.5, waiting=SAMPLE_RATE_HZ) == [CadenceChanged(0, "backlog")]


def test_it_recovers_step_by_step_after_a_calm_while() -> None:
    cadence = Cadence(NORMAL, SAMPLE_RATE_HZ // 2)
    drive(cadence, 1, 0.5, waiting=SAMPLE_RATE_HZ)
    told = drive(cadence, 200, 0.1)
    assert [change.cadence for change in told] == [4 * NORMAL, 2 * NORMAL, NORMAL]
    assert {change.cause for change in told} == {"recovered"}


def test_without_a_cadence_there_is_nothing_to_say() -> None:
    assert drive(Cadence(0, SAMPLE_RATE_HZ), 10, 2.0, waiting=10**6) == []
