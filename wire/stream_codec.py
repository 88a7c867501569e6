"""What follows a stream's configuration → its messages."""

from __future__ import annotations

from music.rhythm_locks import LockRequest
from wire.gen.genesis.v1 import audio_pb2
from wire.gen.genesis.v1.transcription_service_pb2 import StreamTranscribeRequest
from wire.rhythm_codec import encode_lock_request


def encode_piece(piece: bytes | LockRequest) -> StreamTranscribeRequest:
    """Audio, or what a person decides about the bars."""
    if isinstance(piece, LockRequest):
        return StreamTranscribeRequest(lock_rhythm=encode_lock_request(piece))
    return StreamTranscribeRequest(audio=audio_pb2.AudioChunk(data=piece))
