"""What a session is asked to do ↔ its messages: audio, instrument, player, separation."""

from __future__ import annotations

from music.audio import sample_at, seconds
from music.errors import InvalidInput, Reason
from music.events import AudioEncoding, AudioFormat, Separation, SeparationChosen, SessionConfig
from music.player import DEFAULT_PLAYER, Player
from music.tuning import DEFAULT_FRETS, TUNINGS, Instrument
from music.window_schedule import WindowSchedule
from wire.gen.genesis.v1 import audio_pb2, instrument_pb2, player_pb2, session_pb2

_ENCODINGS = {
    audio_pb2.AUDIO_ENCODING_PCM_S16LE: AudioEncoding.PCM_S16LE,
    audio_pb2.AUDIO_ENCODING_PCM_F32LE: AudioEncoding.PCM_F32LE,
    audio_pb2.AUDIO_ENCODING_CONTAINER: AudioEncoding.CONTAINER,
}
_ENCODINGS_OUT = {value: key for key, value in _ENCODINGS.items()}
_SEPARATIONS = {
    session_pb2.SEPARATION_MODE_UNSPECIFIED: Separation.OFF,
    session_pb2.SEPARATION_MODE_OFF: Separation.OFF,
    session_pb2.SEPARATION_MODE_AUTO: Separation.AUTO,
    session_pb2.SEPARATION_MODE_VOCALS_REMOVED: Separation.VOCALS_REMOVED,
    session_pb2.SEPARATION_MODE_GUITAR: Separation.GUITAR,
}
_SEPARATIONS_OUT = {value: key for key, value in _SEPARATIONS.items()}


def encode_instrument(instrument: Instrument) -> instrument_pb2.Instrument:
    return instrument_pb2.Instrument(tuning=instrument.tuning, capo=instrument.capo, fret_count=instrument.fret_count)


def decode_instrument(message: instrument_pb2.Instrument) -> Instrument:
    """Raises InvalidInput: TUNING_INVALID, CAPO_INVALID, CONFIG_INVALID."""
    return Instrument(
        tuning=tuple(message.tuning) or TUNINGS["standard"],
        capo=message.capo,
        fret_count=message.fret_count or DEFAULT_FRETS,
    )


def encode_player(player: Player) -> player_pb2.Player:
    return player_pb2.Player(
        difficulty=player.difficulty,
        style=player.style,
        max_stretch=player.max_stretch,
        lowest_fret=player.lowest_fret,
        highest_fret=player.highest_fret,
    )


def decode_player(message: player_pb2.Player) -> Player:
    """Raises InvalidInput: CONFIG_INVALID."""
    return Player(
        difficulty=message.difficulty or DEFAULT_PLAYER.difficulty,
        style=message.style or DEFAULT_PLAYER.style,
        max_stretch=message.max_stretch or DEFAULT_PLAYER.max_stretch,
        lowest_fret=message.lowest_fret or DEFAULT_PLAYER.lowest_fret,
        highest_fret=message.highest_fret or DEFAULT_PLAYER.highest_fret,
    )


def encode_config(config: SessionConfig) -> session_pb2.SessionConfig:
    return session_pb2.SessionConfig(
        audio=audio_pb2.AudioFormat(
            encoding=_ENCODINGS_OUT[config.audio.encoding],
            sample_rate_hz=config.audio.sample_rate_hz,
            channel_count=config.audio.channel_count,
        ),
        instrument=encode_instrument(config.instrument),
        transcriber=config.transcriber,
        separation=_SEPARATIONS_OUT[config.separation],
        session_id=config.session_id,
        player=None if config.player == DEFAULT_PLAYER else encode_player(config.player),
        separation_schedule=_encode_schedule(config.separation_schedule),
    )


def decode_config(message: session_pb2.SessionConfig) -> SessionConfig:
    """Raises InvalidInput: ENCODING_UNSUPPORTED, CONFIG_INVALID and those of `decode_instrument`. Ranges of the audio
    format are the decoder's to check.
    """
    encoding = _ENCODINGS.get(message.audio.encoding)
    if encoding is None:
        names = ", ".join(audio_pb2.AudioEncoding.Name(value) for value in _ENCODINGS)
        raise InvalidInput(Reason.ENCODING_UNSUPPORTED, f"Say how the audio is encoded: one of {names}.")
    separation = _SEPARATIONS.get(message.separation)
    if separation is None:
        raise InvalidInput(Reason.CONFIG_INVALID, f"Unknown separation mode {message.separation}.")
    return SessionConfig(
        audio=AudioFormat(encoding, message.audio.sample_rate_hz, message.audio.channel_count),
        instrument=decode_instrument(message.instrument),
        transcriber=message.transcriber,
        separation=separation,
        session_id=message.session_id,
        player=decode_player(message.player),
        separation_schedule=_decode_schedule(message),
    )


def encode_separation(chosen: SeparationChosen) -> session_pb2.SeparationChosen:
    return session_pb2.SeparationChosen(
        separation=_SEPARATIONS_OUT[chosen.separation],
        start_s=seconds(chosen.start),
        cause=chosen.cause,
        latency_s=seconds(chosen.latency),
        voice_share=chosen.voice_share,
    )


def decode_separation(message: session_pb2.SeparationChosen) -> SeparationChosen:
    return SeparationChosen(
        _SEPARATIONS.get(message.separation, Separation.OFF),
        sample_at(message.start_s),
        message.cause,
        sample_at(message.latency_s),
        message.voice_share if message.HasField("voice_share") else None,
    )


def _encode_schedule(schedule: WindowSchedule | None) -> session_pb2.SeparationSchedule | None:
    if schedule is None:
        return None
    return session_pb2.SeparationSchedule(
        window=schedule.window, hop=schedule.hop, fade=schedule.fade, right=schedule.right
    )


def _decode_schedule(message: session_pb2.SessionConfig) -> WindowSchedule | None:
    """Raises InvalidInput: CONFIG_INVALID, the windows do not fit together."""
    if not message.HasField("separation_schedule"):
        return None
    given = message.separation_schedule
    try:
        return WindowSchedule(given.window, given.hop, given.fade, given.right)
    except ValueError as error:
        raise InvalidInput(Reason.CONFIG_INVALID, f"{error}; leave the schedule out.") from None
