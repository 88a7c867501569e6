"""`python -m inference.training.preview`: pieces as files, to listen to and to look at."""

from __future__ import annotations

import argparse
import json
import sys
import time
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np

from inference.training.amplifiers import amp_chains
from inference.training.dataset import Piece, render_piece, to_document
from inference.training.recipes import recipe_of
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.audio import SAMPLE_RATE_HZ
from music.errors import GenesisError


def main(arguments: list[str] | None = None) -> int:
    """Write wav and json of some pieces; exit status 0, or 4 when a sound cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m inference.training.preview", description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="from 1000000 on: validation")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--amp", choices=list(amp_chains()), help="instead of the amplifier drawn")
    parser.add_argument(
        "--sounds", type=Path, default=default_sounds_dir(), metavar="DIR", help="where samples are kept"
    )
    options = parser.parse_args(arguments)
    library = SoundLibrary(options.sounds)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        for seed in range(options.seed, options.seed + options.count):
            begun = time.perf_counter()
            piece = render_piece(recipe_of(seed), seed, library)
            if options.amp:
                effects = replace(piece.effects, amplifier=amp_chains()[options.amp])
                piece = render_piece(recipe_of(seed), seed, library, effects=effects)
            took_s = time.perf_counter() - begun
            write_piece(piece, options.out / f"{piece.recipe}-{seed}")
            sys.stderr.write(_line(piece, took_s))
    except GenesisError as error:
        sys.stderr.write(f"{error.reason}: {error.message}\n")
        return 4
    return 0


def write_piece(piece: Piece, stem: Path) -> None:
    """`stem`.wav (s16) and `stem`.json (file schema)."""
    with wave.open(str(stem.with_suffix(".wav")), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(np.round(piece.samples * 32767).astype("<i2").tobytes())
    text = json.dumps(to_document(piece), indent=1)
    stem.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def _line(piece: Piece, took_s: float) -> str:
    band = "no band" if piece.band_db is None else f"band {piece.band_db:+.0f} dB"
    speed = len(piece.samples) / SAMPLE_RATE_HZ / took_s
    return (
        f"{piece.seed}: {piece.style} on {piece.sound}, tuning {piece.instrument.tuning}, "
        f"capo {piece.instrument.capo}, {len(piece.notes)} notes, {band}; {speed:.0f}× real time\n"
    )


if __name__ == "__main__":
    sys.exit(main())
