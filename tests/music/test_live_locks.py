"""Bars that a person decides about while the music plays."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.audio import SAMPLE_RATE_HZ
from music.beats import NO_LOCK, Bar, BarState, RhythmLock, TimeSignature
from music.beats_live import STEP
from music.beats_tracking import place_of, track_bars
from music.errors import InvalidInput, Overloaded, Reason
from music.events import BarsRevised, Payload, RhythmLocked, SessionEvent, is_durable
from music.live_music import REACH, LiveMusic
from music.note import Note
from music.rhythm_locks import MOST_LOCKS, MOST_TAPS, LockRequest, LockRequests
from music.session_state import SessionState, fold
from tests.music.test_beats_tracking import waltz

DURATION = 30 * SAMPLE_RATE_HZ
THREE = TimeSignature(3, 4)


def at(time_s: float) -> int:
    return round(time_s * SAMPLE_RATE_HZ)


def told(
    notes: Sequence[Note],
    locks: Sequence[LockRequest],
    *,
    duration: int = DURATION,
    hop: int = STEP,
    held: Sequence[RhythmLocked] = (),
    until: int | None = None,
) -> list[Payload]:
    """What a session says of its music; locks that take effect at once are asked for at the sixteenth second.

    Args:
        notes: played.
        locks: asked for.
        duration: of the session.
        hop: how the watermark rises.
        held: what an earlier attempt had told.
        until: where it is cut off; None for never.
    """
    music, log = LiveMusic(held), list[Payload]()
    ordered = sorted(notes, key=lambda n: n.onset)
    for request in (request for request in locks if request.at is not None):
        music.ask(request)
    for now in range(hop, (until or duration) + 1, hop):
        for heard in (n for n in ordered if now - hop <= n.onset < now):
            music.add(heard)
        for request in (request for request in locks if request.at is None and now - hop < at(16) <= now):
            music.ask(request)
        if music.is_due(now):
            log += music.advance(now)
    if until is not None:
        return log
    for rest in (n for n in ordered if n.onset >= duration // hop * hop):
        music.add(rest)
    return [*log, *music.advance(duration), *music.finish(duration)]


def folded(payloads: Sequence[Payload], state: SessionState | None = None) -> SessionState:
    state = state or SessionState()
    for payload in payloads:
        sequence = state.sequence + 1
        before = state.durable_sequence if is_durable(payload) else 0
        state.apply(SessionEvent("s", sequence, 1, before, 0, 0, payload))
    return state


def locked(payloads: Sequence[Payload]) -> list[RhythmLocked]:
    return [payload for payload in payloads if isinstance(payload, RhythmLocked)]


def check_row(bars: Sequence[Bar]) -> None:
    assert all(before.end == after.start for before, after in itertools.pairwise(bars))
    assert all(after.number == before.number + 1 for before, after in itertools.pairwise(bars))


def test_everything_shown_is_drawn_anew() -> None:
    notes = waltz(4, bars=11)
    request = LockRequest(RhythmLock(tempo_bpm=100.0, signature=THREE, bar_one=at(0.5)))
    log = told(notes, [request])
    index = next(index for index, payload in enumerate(log) if isinstance(payload, RhythmLocked))
    before, after = folded(log[:index]), folded(log)
    assert {str(bar.signature) for bar in before.bars} == {"4/4"}
    assert after.bars[0].number == 1
    assert {str(bar.signature) for bar in after.bars} == {"3/4"}
    assert [bar.start / SAMPLE_RATE_HZ for bar in after.bars[:8]] == pytest.approx([0.5 + 1.8 * n for n in range(8)])
    assert after.lock == request.lock
    check_row(after.bars)
    # At once is with the next thing heard, not when the music is over.
    assert locked(log)[0].at <= at(16)


def test_a_lock_is_taken_back() -> None:
    notes = waltz(4, bars=11)
    free = folded(told(notes, []))
    wrong = LockRequest(RhythmLock(tempo_bpm=77.0), at(10))
    log = told(notes, [wrong, LockRequest(NO_LOCK, at(16))])
    assert [one.revision for one in locked(log)] == [1, 2]
    state = folded(log)
    assert state.lock == NO_LOCK
    late = [bar.start for bar in state.bars if bar.start > at(12)]
    assert late == [bar.start for bar in free.bars if bar.start > at(12)]


def test_what_holds_already_is_not_told() -> None:
    same = RhythmLock(signature=THREE)
    log = told(waltz(4, bars=8), [LockRequest(same, at(4)), LockRequest(same, at(9)), LockRequest(same)])
    assert len(locked(log)) == 1


drawn_locks = st.builds(
    RhythmLock,
    tempo_bpm=st.one_of(st.none(), st.floats(20, 400)),
    signature=st.sampled_from([None, THREE, TimeSignature(4, 4), TimeSignature(6, 8), TimeSignature(1, 4)]),
    bar_one=st.one_of(st.none(), st.integers(0, 2 * DURATION), st.just(at(7 * 24 * 3600))),
    taps=st.lists(st.integers(0, DURATION), max_size=9, unique=True).map(lambda taps: tuple(sorted(taps))),
)
requests = st.builds(LockRequest, drawn_locks, st.one_of(st.none(), st.integers(0, 2 * DURATION)))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 29), st.integers(30, 80), st.floats(0, 1)), max_size=50),
    st.lists(requests, min_size=1, max_size=4),
    st.sampled_from([STEP, STEP // 3, 3 * STEP + 17]),
)
def test_any_locks_leave_bars_in_a_row_and_repeat(
    drawn: list[tuple[float, int, float]], locks: list[LockRequest], hop: int
) -> None:
    notes = [
        replace(waltz(bars=1)[0], id=f"n{i}", onset=at(t), pitch=p, velocity=v) for i, (t, p, v) in enumerate(drawn)
    ]
    kept = list(notes)
    log = told(notes, locks, hop=hop)
    state = folded(log)
    assert notes == kept
    check_row(state.bars)
    assert all(bar.state is BarState.COMMITTED for bar in state.bars)
    lock = state.lock
    if lock.tempo_bpm is not None and not lock.taps and state.bars:
        inner = [beat for bar in state.bars for beat in bar.beats if bar.start > locked(log)[-1].start]
        period = 60 * SAMPLE_RATE_HZ / lock.tempo_bpm
        assert all(abs(b - a - period) <= period / 2 + 2 for a, b in itertools.pairwise(inner))
    # With the times that the log tells, and the watermark rising otherwise, it says the same again.
    again = told(notes, [LockRequest(one.lock, one.at) for one in locked(log)])
    assert folded(again).bars == state.bars
    assert locked(again) == locked(log)


@settings(max_examples=12, deadline=None)
@given(st.lists(requests, min_size=1, max_size=3), st.integers(3, 28))
def test_a_new_attempt_ends_with_the_same_bars(locks: list[LockRequest], cut_s: int) -> None:
    notes = waltz(4, bars=11)
    whole = told(notes, locks)
    first = told(notes, locks, until=at(cut_s))
    state = folded(first)
    # The caller sends the recording, and what it had decided, once more.
    asked = [LockRequest(one.lock, one.at) for one in locked(whole)]
    second = told(notes, asked, held=state.rhythm_locks)
    assert locked(second) == locked(whole)
    assert folded(second, state).bars == folded(whole).bars
    assert state.rhythm_locks == folded(whole).rhythm_locks


def test_a_snapshot_holds_what_was_decided() -> None:
    log = told(waltz(4, bars=11), [LockRequest(RhythmLock(signature=THREE))])
    state = folded(log)
    other = SessionState()
    other.apply(SessionEvent("s", state.sequence, 1, 0, 0, 0, state.snapshot()))
    assert (other.lock, other.lock_revision, other.bars) == (state.lock, 1, state.bars)


def test_bars_stay_where_bar_one_was_set_for_as_long_as_it_lasts() -> None:
    # Chords change with every fourth beat; the person knows that it is a waltz.
    notes = waltz(4, bars=24)
    lock = RhythmLock(tempo_bpm=100.0, signature=THREE, bar_one=at(1.1))
    bars = folded(told(notes, [LockRequest(lock, at(8))], duration=at(62))).bars
    places = [(bar.start - at(1.1)) / at(1.8) for bar in bars if not bar.is_pickup]
    assert len(places) > 30
    assert places == pytest.approx([round(place) for place in places], abs=0.01)


def test_bars_of_another_revision_are_passed_over() -> None:
    state = folded(told(waltz(4, bars=11), [LockRequest(RhythmLock(signature=THREE))]))
    bars = list(state.bars)
    folded([BarsRevised((replace(bars[-1], number=99),), BarState.COMMITTED, 0)], state)
    assert state.bars == bars


def test_a_long_session_keeps_the_bars_that_are_out_of_reach() -> None:
    duration = REACH + 60 * SAMPLE_RATE_HZ
    notes = waltz(4, bars=round(duration / SAMPLE_RATE_HZ / 2.4))
    request = LockRequest(RhythmLock(tempo_bpm=100.0, signature=THREE), duration - 2 * STEP)
    log = told(notes, [request], duration=duration)
    state, start = folded(log), locked(log)[0].start
    assert 0 < start <= duration - REACH
    assert {str(bar.signature) for bar in state.bars if bar.end <= start} == {"4/4"}
    assert {str(bar.signature) for bar in state.bars if bar.start >= start} == {"3/4"}
    check_row(state.bars)


def test_a_lock_before_the_first_note_holds_from_it_on() -> None:
    taps = tuple(at(0.2 + 0.6 * n) for n in range(4))
    notes = [replace(note, onset=note.onset + at(4)) for note in waltz(4, bars=6)]
    state = folded(told(notes, [LockRequest(RhythmLock(taps=taps, signature=THREE, bar_one=taps[0]), 0)]))
    places = [(bar.start - taps[0]) / at(1.8) for bar in state.bars[1:]]
    assert places == pytest.approx([round(place) for place in places], abs=0.01)
    assert len(places) > 5


def test_whoever_taps_again_later_sets_the_beats_right() -> None:
    early, late = [at(0.5 + 0.6 * n) for n in range(4)], [at(20.2 + 0.6 * n) for n in range(4)]
    bars = track_bars(waltz(4, bars=14), at(34), RhythmLock(taps=(*early, *late)))
    beats = [beat for bar in bars for beat in bar.beats]
    assert {*early, *late} <= set(beats)
    apart = [(b - a) / SAMPLE_RATE_HZ for a, b in itertools.pairwise(beats)]
    assert apart == pytest.approx([0.6] * len(apart), abs=0.05)


@pytest.mark.parametrize(("time", "place"), [(90, -1), (100, 0), (140, 4), (145, 4), (160, 6), (20, -8)])
def test_a_place_outside_a_row_goes_on_as_it_does(time: int, place: int) -> None:
    assert place_of([100, 110, 120, 130, 140], time) == place


def test_bar_one_in_a_week_costs_nothing() -> None:
    week = at(7 * 24 * 3600)
    for lock in (
        RhythmLock(400.0, bar_one=week),
        RhythmLock(taps=(0, at(0.15), week)),
        RhythmLock(taps=(week - 9, week)),
    ):
        bars = track_bars(waltz(4, bars=6), at(20), lock)
        assert sum(len(bar.beats) for bar in bars) < 200_000


def test_what_cannot_be_is_refused() -> None:
    for lock, when in ((RhythmLock(taps=(-1, 5)), None), (RhythmLock(bar_one=-1), None), (NO_LOCK, -1)):
        with pytest.raises(InvalidInput) as refused:
            LockRequest(lock, when)
        assert refused.value.reason is Reason.RHYTHM_LOCK_INVALID
    with pytest.raises(InvalidInput):
        LockRequest(RhythmLock(taps=tuple(range(MOST_TAPS + 1))))
    asked = LockRequests()
    for n in range(MOST_LOCKS):
        asked.add(LockRequest(NO_LOCK, n))
    with pytest.raises(Overloaded) as limit:
        asked.add(LockRequest(NO_LOCK))
    assert limit.value.reason is Reason.RHYTHM_LOCK_LIMIT


def test_the_first_lock_of_an_empty_session() -> None:
    assert fold([]).lock == NO_LOCK
    assert folded(told([], [LockRequest(RhythmLock(tempo_bpm=60.0))])).lock.tempo_bpm == 60.0
