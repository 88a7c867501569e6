"""Encoded files: what is decoded, and the reason for each that is not."""

from __future__ import annotations

import io
import tempfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from music.errors import InvalidInput, Reason
from music.events import AudioFormat
from orchestrator.container import DecodeLimits, Spool, decode
from orchestrator.decoding import PcmReader
from tests.orchestrator.files import chunk, encoded, tone, wav
from tests.support.data import shared_data

pytestmark = pytest.mark.anyio

LIMITS = DecodeLimits()
SECOND = tone(1.0, 44_100).tobytes()


class Decoded:
    def __init__(self) -> None:
        self.audio: AudioFormat | None = None
        self.duration_s: float | None = None
        self.pieces: list[NDArray[np.float32]] = []

    @property
    def signal(self) -> NDArray[np.float32]:
        return np.concatenate(self.pieces)


async def decode_bytes(data: bytes, limits: DecodeLimits = LIMITS, into: Decoded | None = None) -> Decoded:
    decoded = into or Decoded()
    with tempfile.TemporaryFile() as file:
        file.write(data)
        async with decode(file, limits) as found:
            decoded.audio, decoded.duration_s = found.audio, found.duration_s
            reader = PcmReader(found.audio)
            async for block in found.blocks():
                decoded.pieces.append(reader.read(block))
    return decoded


async def reason_for(data: bytes, limits: DecodeLimits = LIMITS) -> Reason:
    with pytest.raises(InvalidInput) as caught:
        await decode_bytes(data, limits)
    assert caught.value.message.endswith(".")
    return caught.value.reason


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", ["wav", "flac", "opus", "mp3", "m4a"])
async def test_every_kind_that_is_taken_is_decoded(kind: str, channels: int) -> None:
    decoded = await decode_bytes(encoded(kind, seconds=2.0, rate_hz=48_000, channels=channels))
    assert decoded.audio is not None
    assert (decoded.audio.sample_rate_hz, decoded.audio.channel_count) == (48_000, channels)
    assert decoded.duration_s == pytest.approx(2.0, abs=0.1)
    assert len(decoded.signal) / 48_000 == pytest.approx(2.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(decoded.signal[:48_000]))
    assert int(np.argmax(spectrum)) == 440


async def test_ogg_vorbis_is_decoded() -> None:
    decoded = await decode_bytes(shared_data("mixes/choice_drum_bass.ogg").read_bytes())
    assert decoded.audio is not None
    assert decoded.duration_s == pytest.approx(len(decoded.signal) / decoded.audio.sample_rate_hz, abs=0.1)
    assert np.max(np.abs(decoded.signal)) > 0.1


async def test_a_wav_is_what_its_pcm_is() -> None:
    samples = tone(1.5, 44_100)
    decoded = await decode_bytes(wav(samples.tobytes()))
    assert np.array_equal(decoded.signal, samples.astype(np.float32) / 32_768)


async def test_many_channels_are_mixed() -> None:
    decoded = await decode_bytes(wav(np.repeat(tone(0.5, 44_100), 3).tobytes(), channels=3))
    assert decoded.audio is not None
    assert decoded.audio.channel_count == 3
    assert np.allclose(decoded.signal, tone(0.5, 44_100).astype(np.float32) / 32_768, atol=1e-6)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
async def test_a_streamed_wav_header_says_nothing_of_its_length(size: int) -> None:
    decoded = await decode_bytes(wav(SECOND, data_size=size, riff_size=size))
    assert len(decoded.signal) == 44_100


async def test_chunks_around_the_data_are_passed_over() -> None:
    data = wav(SECOND, before_data=chunk(b"junk", b"odd"), behind_data=chunk(b"LIST", b"INFOsomething"))
    assert len((await decode_bytes(data)).signal) == 44_100


async def test_what_a_truncated_wav_holds_comes_before_its_error() -> None:
    decoded = Decoded()
    with pytest.raises(InvalidInput) as caught:
        await decode_bytes(wav(SECOND, data_size=4 * len(SECOND)), into=decoded)
    assert caught.value.reason is Reason.AUDIO_TRUNCATED
    assert len(decoded.signal) == 44_100


@pytest.mark.parametrize("kind", ["flac", "m4a"])
async def test_a_file_cut_in_half_is_truncated(kind: str) -> None:
    data = encoded(kind, seconds=4.0)
    assert await reason_for(data[: len(data) // 2]) is Reason.AUDIO_TRUNCATED


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("song.wav", wav(SECOND))
    return target.getvalue()


def floats_with(value: float) -> bytes:
    samples = np.zeros(44_100, "<f4")
    samples[22_050] = value
    return wav(samples.tobytes(), bits=32, tag=3)


BAD: dict[str, tuple[bytes, Reason]] = {
    "empty": (b"", Reason.AUDIO_EMPTY),
    "a wav without samples": (wav(b""), Reason.AUDIO_EMPTY),
    "a wav without samples but with tags": (wav(b"", behind_data=chunk(b"LIST", b"INFO" * 20)), Reason.AUDIO_EMPTY),
    "text": (b"This is a text that somebody named song.wav\n" * 100, Reason.AUDIO_UNREADABLE),
    "one byte": (b"R", Reason.AUDIO_UNREADABLE),
    "html": (b"<!doctype html><html><body>404</body></html>", Reason.AUDIO_UNREADABLE),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', Reason.AUDIO_UNREADABLE),
    "zip": (zipped(), Reason.AUDIO_UNREADABLE),
    "noise": (np.random.default_rng(5).bytes(100_000), Reason.AUDIO_UNREADABLE),
    "zeros": (bytes(100_000), Reason.AUDIO_UNREADABLE),
    "riff and nothing": (b"RIFF\x24\0\0\0WAVE", Reason.AUDIO_UNREADABLE),
    "no fmt": (b"RIFF\xff\0\0\0WAVE" + chunk(b"data", SECOND), Reason.AUDIO_UNREADABLE),
    "a million tiny chunks": (wav(b"", before_data=chunk(b"junk", b"") * 1_000_000), Reason.AUDIO_UNREADABLE),
    "nan": (floats_with(float("nan")), Reason.AUDIO_NOT_FINITE),
    "infinity": (floats_with(float("-inf")), Reason.AUDIO_NOT_FINITE),
    "0 Hz": (wav(SECOND, rate_hz=0), Reason.SAMPLE_RATE_OUT_OF_RANGE),
    "1 Hz": (wav(SECOND, rate_hz=1), Reason.SAMPLE_RATE_OUT_OF_RANGE),
    "4 GHz": (wav(SECOND, rate_hz=4_000_000_000), Reason.SAMPLE_RATE_OUT_OF_RANGE),
    "0 channels": (wav(SECOND, channels=0), Reason.CHANNEL_COUNT_OUT_OF_RANGE),
    "200 channels": (wav(SECOND, channels=200), Reason.CHANNEL_COUNT_OUT_OF_RANGE),
    "65535 channels": (wav(SECOND, channels=65_535), Reason.CHANNEL_COUNT_OUT_OF_RANGE),
    "0 bits": (wav(SECOND, bits=0), Reason.AUDIO_UNREADABLE),
    "7 bits": (wav(SECOND, bits=7), Reason.AUDIO_UNREADABLE),
    "playlist": (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n", Reason.ENCODING_UNSUPPORTED),
    "concat": (b"ffconcat version 1.0\nfile /etc/passwd\n", Reason.ENCODING_UNSUPPORTED),
    "aiff": (b"FORM\0\0\0\x40AIFFCOMM" + bytes(64), Reason.ENCODING_UNSUPPORTED),
    "matroska": (b"\x1aE\xdf\xa3" + bytes(64), Reason.ENCODING_UNSUPPORTED),
    "data longer than the file": (wav(SECOND, data_size=10_000_000), Reason.AUDIO_TRUNCATED),
    "cut in a chunk before the data": (wav(b"", before_data=chunk(b"LIST", bytes(999)))[:300], Reason.AUDIO_TRUNCATED),
    "flac header alone": (encoded("flac")[:60], Reason.AUDIO_UNREADABLE),
    "rate an mp3 may not have": (encoded("wav", rate_hz=4_000), Reason.SAMPLE_RATE_OUT_OF_RANGE),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_input_is_refused_with_its_reason(case: str) -> None:
    data, reason = BAD[case]
    assert await reason_for(data) is reason


async def test_a_file_too_long_is_refused_by_its_header() -> None:
    limits = replace(LIMITS, max_duration_s=1.0)
    assert await reason_for(encoded("flac", seconds=2.0), limits) is Reason.AUDIO_TOO_LONG


async def test_a_file_that_hides_its_length_is_refused_while_it_is_decoded() -> None:
    limits = replace(LIMITS, max_duration_s=1.0)
    data = wav(bytes(44_100 * 2 * 30), data_size=0xFFFFFFFF, riff_size=0xFFFFFFFF)
    assert await reason_for(data, limits) is Reason.AUDIO_TOO_LONG


async def test_a_decoder_out_of_memory_or_time_is_the_files_fault() -> None:
    assert await reason_for(encoded("wav"), replace(LIMITS, memory_bytes=32 << 20)) is Reason.AUDIO_UNREADABLE
    assert await reason_for(encoded("wav"), replace(LIMITS, stall_s=1e-6)) is Reason.AUDIO_UNREADABLE


async def test_leaving_early_leaves_no_child_behind() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(encoded("wav", seconds=60.0))
        async with decode(file, LIMITS) as found:
            blocks = found.blocks()
            assert await anext(blocks)
            process = found._process
            await blocks.aclose()  # type: ignore[attr-defined]
    assert process.returncode is not None


async def test_the_spool_has_a_largest_size() -> None:
    with Spool(max_bytes=10_000) as spool:
        await spool.write(bytes(10_000))
        with pytest.raises(InvalidInput) as caught:
            await spool.write(b"!")
    assert caught.value.reason is Reason.AUDIO_TOO_LARGE
