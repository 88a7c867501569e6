"""What a caller may ask of a transcription, checked before anything is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from music.errors import InvalidInput, Reason
from music.events import AudioEncoding, AudioFormat, Separation, SessionConfig
from music.player import DEFAULT_PLAYER, Player
from music.tuning import Instrument, parse_tuning
from web_edge.rows import Priority

INSTRUMENT_OPTIONS = ("tuning", "capo", "fret_count")
PLAYER_OPTIONS = ("difficulty", "style", "max_stretch", "lowest_fret", "highest_fret")
OPTION_NAMES = (*INSTRUMENT_OPTIONS, *PLAYER_OPTIONS, "transcriber", "separation", "priority")
_MAX_NAME = 64
_MAX_COUNT = 2**32 - 1
LIVE_ENCODINGS = {"pcm_f32le": AudioEncoding.PCM_F32LE, "pcm_s16le": AudioEncoding.PCM_S16LE}


def session_config(options: Mapping[str, Any], audio: AudioFormat, session_id: str) -> SessionConfig:
    """The configuration that options ask for: those of `instrument_of` and `player_of`, `transcriber`, `separation`.

    Raises:
        InvalidInput: TUNING_INVALID, CAPO_INVALID, CONFIG_INVALID, TRANSCRIBER_UNKNOWN, SEPARATION_UNAVAILABLE.
    """
    transcriber = options.get("transcriber", "")
    if not isinstance(transcriber, str) or len(transcriber) > _MAX_NAME or not transcriber.isprintable():
        raise InvalidInput(
            Reason.TRANSCRIBER_UNKNOWN, "A transcriber is named in a word; leave it empty for the default one."
        )
    instrument, player = instrument_of(options), player_of(options)
    separation = _separation(options.get("separation", ""))
    return SessionConfig(audio, instrument, transcriber, separation, session_id, player)


def priority_of(options: Mapping[str, Any]) -> Priority:
    """What `priority` says; normal if nothing. Raises InvalidInput: CONFIG_INVALID."""
    given = options.get("priority") or Priority.NORMAL
    if given not in list(Priority):
        raise InvalidInput(Reason.CONFIG_INVALID, f"A priority is one of {', '.join(Priority)}.")
    return Priority(given)


def instrument_of(options: Mapping[str, Any], otherwise: Instrument = Instrument()) -> Instrument:  # noqa: B008 - frozen
    """What `tuning` (name, "64,59,…" or list), `capo` and `fret_count` say; what they do not say is as `otherwise`.

    Raises:
        InvalidInput: TUNING_INVALID, CAPO_INVALID, CONFIG_INVALID.
    """
    return Instrument(
        tuning=_tuning(options.get("tuning"), otherwise.tuning),
        capo=_capo(options.get("capo"), otherwise.capo),
        fret_count=_frets(options, "fret_count", otherwise.fret_count),
    )


def player_of(options: Mapping[str, Any], otherwise: Player = DEFAULT_PLAYER) -> Player:
    """What `difficulty`, `style`, `max_stretch`, `lowest_fret` and `highest_fret` say, or else `otherwise`.

    Raises:
        InvalidInput: CONFIG_INVALID.
    """
    return Player(
        difficulty=_name(options, "difficulty", otherwise.difficulty),
        style=_name(options, "style", otherwise.style),
        max_stretch=_frets(options, "max_stretch", otherwise.max_stretch),
        lowest_fret=_frets(options, "lowest_fret", otherwise.lowest_fret),
        highest_fret=_frets(options, "highest_fret", otherwise.highest_fret),
    )


def live_audio(options: Mapping[str, Any]) -> AudioFormat:
    """Encoding, rate and channels of a live stream; the orchestrator judges the ranges.

    Raises:
        InvalidInput: ENCODING_UNSUPPORTED, SAMPLE_RATE_OUT_OF_RANGE, CHANNEL_COUNT_OUT_OF_RANGE.
    """
    encoding = options.get("encoding")
    if not isinstance(encoding, str) or encoding not in LIVE_ENCODINGS:
        raise InvalidInput(
            Reason.ENCODING_UNSUPPORTED, f"Say how the audio is encoded: one of {', '.join(LIVE_ENCODINGS)}."
        )
    rate, channels = _count(options.get("sample_rate_hz")), _count(options.get("channel_count"))
    if rate is None:
        raise InvalidInput(
            Reason.SAMPLE_RATE_OUT_OF_RANGE, "sample_rate_hz is the number of samples a second, such as 48000."
        )
    if channels is None:
        raise InvalidInput(Reason.CHANNEL_COUNT_OUT_OF_RANGE, "channel_count is the number of channels, such as 1.")
    return AudioFormat(LIVE_ENCODINGS[encoding], rate, channels)


def _tuning(given: object, otherwise: tuple[int, ...]) -> tuple[int, ...]:
    if given is None or given == "":
        return otherwise
    if isinstance(given, str):
        return parse_tuning(given[:200])
    if isinstance(given, list) and all(isinstance(pitch, int) and not isinstance(pitch, bool) for pitch in given):
        return Instrument(tuning=tuple(given)).tuning
    raise InvalidInput(Reason.TUNING_INVALID, "A tuning is a name or a list of MIDI pitches, string 1 first.")


def _capo(given: object, otherwise: int) -> int:
    if given is None or given == "":
        return otherwise
    fret = _whole(given)
    if fret is None:
        raise InvalidInput(Reason.CAPO_INVALID, "The capo is the number of the fret it sits on; 0 for none.")
    return fret


def _frets(options: Mapping[str, Any], name: str, otherwise: int) -> int:
    given = options.get(name)
    if given is None or given == "":
        return otherwise
    frets = _whole(given)
    if frets is None:
        raise InvalidInput(Reason.CONFIG_INVALID, f"`{name}` is a number of frets.")
    return frets


def _name(options: Mapping[str, Any], name: str, otherwise: str) -> str:
    given = options.get(name)
    if given is None or given == "":
        return otherwise
    if not isinstance(given, str):
        raise InvalidInput(Reason.CONFIG_INVALID, f"`{name}` is a name.")
    return given


def _whole(given: object) -> int | None:
    """A number from JSON or, as text, from a form."""
    if isinstance(given, str) and given.strip().isdecimal() and len(given) < _MAX_NAME:
        return int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _separation(given: object) -> Separation:
    names = [separation.value for separation in Separation]
    if given is None or given == "":
        return Separation.OFF
    if given not in names:
        raise InvalidInput(Reason.SEPARATION_UNAVAILABLE, f"A separation is one of {', '.join(names)}.")
    return Separation(given)


def _count(given: object) -> int | None:
    """A whole number that the wire can carry; JSON from a browser may write it 48000.0."""
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= _MAX_COUNT:
        return None
    return given
