"""A typed client: REST and WebSockets of the edge (`GenesisClient`), gRPC of the orchestrator (`stream_transcribe` …).

    async with GenesisClient("http://127.0.0.1:8000") as genesis:
        job = await genesis.transcriptions.upload(Path("song.wav"), Options(tuning="drop_d"))
        async for event in genesis.transcriptions.follow(job.id):
            ...
        result = await genesis.transcriptions.result(job.id)

What the server refuses is raised as the tree of `music.errors`, by its reason; a server that cannot be reached as
Unavailable. What may be repeated is, with patience (`Retry-After`); an upload may, since it carries an idempotency key.
"""

from genesis.client.calls import Server, get_session, stream_transcribe, watch_session
from genesis.client.client import GenesisClient
from genesis.client.credentials import Bearer, Credentials, SignIn
from genesis.client.transport import Patience
from genesis.client.uploads import Upload
from genesis.client.values import Options, Result, Status, Transcription
from music.beats import RhythmLock, TimeSignature
from music.rhythm_locks import LockRequest

__all__ = [
    "Bearer",
    "Credentials",
    "GenesisClient",
    "LockRequest",
    "Options",
    "Patience",
    "Result",
    "RhythmLock",
    "Server",
    "SignIn",
    "Status",
    "TimeSignature",
    "Transcription",
    "Upload",
    "get_session",
    "stream_transcribe",
    "watch_session",
]
