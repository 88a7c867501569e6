"""What a session hears: the mix, the stem, or one after the other; whatever the pieces it comes in."""

from __future__ import annotations

from itertools import pairwise

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.errors import InvalidInput, Reason
from music.events import AudioEncoding, AudioFormat, Separation, SeparationChosen
from orchestrator.auto_ear import LOOKS, AutoEar, Look
from orchestrator.ears import Ear, PlainEar, StemEar
from orchestrator.stems import StemSink
from tests.orchestrator.fake_separator import SCHEDULE, FakeSeparator

Signal = NDArray[np.float32]


def pcm(rate_hz: int, channels: int) -> AudioFormat:
    return AudioFormat(AudioEncoding.PCM_F32LE, rate_hz, channels)


def tone(seconds: float, rate_hz: int, channels: int = 1, loud_from_s: float = 1e9) -> Signal:
    """f32[n, channels]: a tone of 0.2 that is 0.8 from some second on."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    level = np.where(t >= loud_from_s, 0.8, 0.2)
    return np.repeat((level * np.sin(2 * np.pi * 220 * t)).astype(np.float32)[:, None], channels, axis=1)


def heard(ear: Ear, signal: Signal, cuts: list[int]) -> Signal:
    """What an ear gives for a signal cut at some frames; no more of it may be promised than was given."""

    async def run() -> Signal:
        out: list[Signal] = []
        for begin, end in pairwise([0, *sorted(cuts), len(signal)]):
            out.append(await ear.push(signal[begin:end].astype("<f4").tobytes()))
            assert sum(map(len, out)) <= ear.received_until + 1
        out.append(await ear.finish())
        return np.concatenate(out)

    return anyio.run(run)


class Told(list[SeparationChosen]):
    async def tell(self, chosen: SeparationChosen) -> None:
        self.append(chosen)


def auto_ear(
    separator: FakeSeparator, audio: AudioFormat, *, is_file: bool = False, sink: StemSink | None = None
) -> tuple[AutoEar, Told]:
    told = Told()
    return AutoEar(separator, SCHEDULE, audio, told.tell, is_file=is_file, sink=sink), told


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_the_stem_keeps_the_mixs_clock(rate_hz: int, channels: int) -> None:
    signal = tone(1.5, rate_hz, channels)
    plain = heard(PlainEar(pcm(rate_hz, channels)), signal, [1000])
    stem = heard(StemEar(FakeSeparator(), SCHEDULE, pcm(rate_hz, channels)), signal, [1000])
    assert len(stem) == len(plain) == round(1.5 * SAMPLE_RATE_HZ)
    inner = slice(500, -500)
    # The fake's stem is half the mix; a shift of one sample of this tone would be 0.0125 at most.
    np.testing.assert_allclose(stem[inner], plain[inner] / 2, atol=0.007)


@pytest.mark.parametrize("length", [0, 1, 50, 2_205])
def test_the_shortest_recordings_come_through(length: int) -> None:
    signal = tone(0.1, 22_050)[:length]
    assert len(heard(StemEar(FakeSeparator(), SCHEDULE, pcm(22_050, 1)), signal, [])) == length
    ear, told = auto_ear(FakeSeparator(), pcm(22_050, 1))
    np.testing.assert_array_equal(heard(ear, signal, []), heard(PlainEar(pcm(22_050, 1)), signal, []))
    assert [chosen.cause for chosen in told] == ["too_short"]


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 60_000), max_size=6), st.sampled_from([(44_100, 2), (16_000, 1)]))
def test_a_stem_cut_anyhow_is_the_same(cuts: list[int], audio: tuple[int, int]) -> None:
    signal = tone(1.0, *audio)
    cuts = [min(cut, len(signal)) for cut in cuts]
    whole, pieces = (heard(StemEar(FakeSeparator(), SCHEDULE, pcm(*audio)), signal, some) for some in ([], cuts))
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


@pytest.mark.parametrize("is_file", [False, True])
@pytest.mark.parametrize(("rate_hz", "channels"), [(44_100, 2), (48_000, 1)])
def test_auto_without_a_voice_is_the_plain_ear_bit_for_bit(rate_hz: int, channels: int, is_file: bool) -> None:
    signal = tone(14.0, rate_hz, channels)
    separator = FakeSeparator()
    ear, told = auto_ear(separator, pcm(rate_hz, channels), is_file=is_file)
    cuts = list(range(0, len(signal), rate_hz // 7))
    found, plain = heard(ear, signal, cuts), heard(PlainEar(pcm(rate_hz, channels)), signal, cuts)
    np.testing.assert_array_equal(found, plain)
    assert told == [SeparationChosen(Separation.OFF, 0, "no_voice", 0, 0.001)]
    assert len(separator.looks) == len(LOOKS)
    assert not separator.opened


@pytest.mark.parametrize(("rate_hz", "channels"), [(44_100, 2), (48_000, 1)])
@pytest.mark.parametrize("loud_from_s", [0.5, 5.0, 9.0])
def test_auto_with_a_voice_passes_into_the_stem_at_a_point(rate_hz: int, channels: int, loud_from_s: float) -> None:
    signal = tone(14.0, rate_hz, channels, loud_from_s)
    separator = FakeSeparator()
    ear, told = auto_ear(separator, pcm(rate_hz, channels))
    found = heard(ear, signal, list(range(0, len(signal), rate_hz // 5)))
    plain = heard(PlainEar(pcm(rate_hz, channels)), signal, [])
    at = next(look.at for look in LOOKS if look.at > loud_from_s * SAMPLE_RATE_HZ)
    assert [(chosen.separation, chosen.start, chosen.cause) for chosen in told] == [
        (Separation.VOCALS_REMOVED, at, "voice")
    ]
    assert told[0].latency == -(-SCHEDULE.latency // 2)
    assert len(found) == len(plain)
    np.testing.assert_array_equal(found[:at], plain[:at])
    after = slice(at + SAMPLE_RATE_HZ // 100, -100)
    np.testing.assert_allclose(found[after], plain[after] / 2, atol=0.03)
    # No click where one passes into the other: no step is larger than the tone's own.
    steps = np.abs(np.diff(found[at - 50 : at + 500])).max()
    assert steps <= np.abs(np.diff(plain[at - 50 : at + 500])).max() + 0.01


@pytest.mark.parametrize(("share", "look"), [(0.9, LOOKS[0]), (0.1, LOOKS[1])])
def test_auto_decides_at_once_only_where_the_voice_is_clear(share: float, look: Look) -> None:
    class Sure(FakeSeparator):
        async def voice_share(self, samples: NDArray[np.float32]) -> float:
            await super().voice_share(samples)
            return share

    ear, told = auto_ear(Sure(), pcm(44_100, 2))
    heard(ear, tone(5.0, 44_100, 2), list(range(0, 5 * 44_100, 9_000)))
    assert [(chosen.start, chosen.voice_share) for chosen in told] == [(look.at, share)]


@pytest.mark.parametrize("loud_from_s", [0.5, 5.0, 9.0])
def test_of_a_file_with_a_voice_the_stem_is_heard_from_the_beginning(loud_from_s: float) -> None:
    audio, signal = pcm(44_100, 2), tone(14.0, 44_100, 2, loud_from_s)
    ear, told = auto_ear(FakeSeparator(), audio, is_file=True)
    found = heard(ear, signal, list(range(0, len(signal), 9_000)))
    whole = heard(StemEar(FakeSeparator(), SCHEDULE, audio), signal, [])
    assert [(chosen.separation, chosen.start, chosen.cause) for chosen in told] == [
        (Separation.VOCALS_REMOVED, 0, "voice")
    ]
    faded_in = SAMPLE_RATE_HZ // 100
    np.testing.assert_allclose(found[faded_in:], whole[faded_in:], atol=1e-6)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 14 * 16_000), max_size=5))
def test_auto_cut_anyhow_is_the_same(cuts: list[int]) -> None:
    signal = tone(14.0, 16_000, 1, 2.0)
    results = []
    for some in ([], cuts):
        ear, told = auto_ear(FakeSeparator(), pcm(16_000, 1))
        results.append((heard(ear, signal, some), list(told)))
    np.testing.assert_allclose(results[0][0], results[1][0], atol=1e-6)
    assert results[0][1] == results[1][1]


@pytest.mark.parametrize("kind", ["stem", "auto"])
def test_bad_input_is_refused_as_the_plain_ear_refuses_it(kind: str) -> None:
    audio = pcm(44_100, 2)
    ear: Ear = StemEar(FakeSeparator(), SCHEDULE, audio) if kind == "stem" else auto_ear(FakeSeparator(), audio)[0]

    async def push(data: bytes) -> None:
        await ear.push(data)

    with pytest.raises(InvalidInput) as caught:
        anyio.run(push, b"!")
    assert caught.value.reason is Reason.CHUNK_MISALIGNED
    with pytest.raises(InvalidInput) as caught:
        anyio.run(push, np.full(8, np.nan, "<f4").tobytes())
    assert caught.value.reason is Reason.AUDIO_NOT_FINITE
    assert ear.received_until == 0
