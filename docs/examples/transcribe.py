"""Sign in where the server asks for it, upload a recording, follow it while it is transcribed, fetch what it came to.

    python docs/examples/transcribe.py song.wav song.gp5

GENESIS_URL is where the server is; GENESIS_EMAIL and GENESIS_PASSWORD are those of an account, where it has accounts.
"""

import asyncio
import os
import sys
from pathlib import Path

from genesis.client import GenesisClient, Options, SignIn
from music.errors import GenesisError
from music.session_state import SessionState

URL = os.environ.get("GENESIS_URL", "http://127.0.0.1:8000")
EMAIL, PASSWORD = os.environ.get("GENESIS_EMAIL", ""), os.environ.get("GENESIS_PASSWORD", "")


async def main(song: Path, target: Path) -> None:
    credentials = SignIn(EMAIL, PASSWORD) if EMAIL else ""
    async with GenesisClient(URL, credentials) as genesis:
        songs = genesis.transcriptions
        job = await songs.upload(song, Options(tuning="standard", difficulty="intermediate"))

        # The events come as the notes are found; folded, they are the tab so far. A cut line is gone on with.
        state = SessionState()
        async for event in songs.follow(job.id):
            state.apply(event)
            sys.stderr.write(f"\r{len(state.notes)} notes")
        sys.stderr.write("\n")

        result = await songs.result(job.id)
        for note in result.notes[:10]:
            sys.stdout.write(f"{note.onset_s:7.2f} s  pitch {note.pitch}  string {note.string}  fret {note.fret}\n")
        target.write_bytes((await songs.export(job.id, target.suffix.lstrip("."))).content)
        sys.stdout.write(f"{job.id}: {len(result.notes)} notes, tuning {list(result.tuning)}, in {target}\n")


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
    except GenesisError as error:
        sys.exit(f"{error.reason}: {error.message}")
