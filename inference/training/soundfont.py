"""Recordings of single notes out of a General MIDI soundfont, played once by FluidSynth and then kept.

Debian's packages `fluidsynth`, `timgm6mb-soundfont` and `fluid-soundfont-gm` bring all that is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from inference.training.sample_bank import SAMPLE_RATE_HZ, Recording, cut_at_attack
from music.errors import Reason, Unavailable

TIM, FLUID = "TimGM6mb", "FluidR3_GM"
RECORDED_KITS = BLACK_PEARL, RED_ZEPPELIN = "Black_Pearl_4_LV2", "Red_Zeppelin_4_LV2"
"""Fonts with one drum kit and nothing else; it is an ordinary program there, not one of the drum channel."""
PACKAGES = {
    TIM: "timgm6mb-soundfont",
    FLUID: "fluid-soundfont-gm",
    BLACK_PEARL: "avldrums.lv2-soundfont",
    RED_ZEPPELIN: "avldrums.lv2-soundfont",
}
DRUM_PITCHES = (35, 36, 38, 40, 37, 39, 42, 44, 46, 49, 51, 45, 48, 54)
_FOLDER = Path("/usr/share/sounds/sf2")
_DRUM_CHANNEL = 9
_TIMEOUT_S = 300
_FADE = 441


@dataclass(frozen=True, slots=True)
class Order:
    """What to record: a program 0..127 (or the drum kit), at these pitches, for `hold_s` seconds each."""

    font: str
    program: int
    pitches: tuple[int, ...]
    hold_s: float = 3.5
    velocity: int = 96
    drums: bool = False


def soundfont_path(font: str) -> Path:
    """Where a soundfont lies: in the folder `GENESIS_SOUNDFONTS` names, else where Debian puts it.

    Raises:
        Unavailable: MODEL_MISSING, naming the package that brings it.
    """
    path = Path(os.environ.get("GENESIS_SOUNDFONTS") or _FOLDER) / f"{font}.sf2"
    if not path.is_file():
        message = f"There is no soundfont {path}. Install Debian's {PACKAGES[font]}, or set GENESIS_SOUNDFONTS."
        raise Unavailable(Reason.MODEL_MISSING, message, path=path)
    return path


def record(order: Order, cache: Path) -> list[Recording]:
    """The notes of an order, by pitch, each cut at its attack.

    Args:
        order: what to record.
        cache: folder where recordings are kept as int16; made when absent.

    Raises:
        Unavailable: MODEL_MISSING, FluidSynth or the soundfont is not installed; PROCESS_FAILED, it did not play.
    """
    font = soundfont_path(order.font)
    name = f"{order.font}-{'drums' if order.drums else order.program}-{order.velocity}-{font.stat().st_size}"
    kept = cache / f"{name}-{len(order.pitches)}x{order.pitches[0]}-{order.hold_s:g}.npy"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}.partial")
        with partial.open("wb") as file:
            np.save(file, _perform(order, font))
        partial.replace(kept)
    notes: NDArray[np.int16] = np.load(kept)
    recordings = []
    for pitch, note in zip(order.pitches, notes, strict=True):
        if np.abs(note).max() > 32:  # a kit has no sound on some keys
            samples = note.astype(np.float32) / 32768
            samples[-_FADE:] *= np.linspace(1, 0, _FADE, dtype=np.float32)
            recordings.append(Recording(pitch, cut_at_attack(samples)))
    return recordings


def _perform(order: Order, font: Path) -> NDArray[np.int16]:
    """int16[pitches, samples]: the notes one after the other in one file, mono at 44 100 Hz."""
    program = shutil.which("fluidsynth")
    if program is None:
        raise Unavailable(Reason.MODEL_MISSING, "FluidSynth is not installed: install Debian's package fluidsynth.")
    slot_s = order.hold_s + 0.4
    with tempfile.TemporaryDirectory(prefix="genesis-soundfont-") as folder:
        song, raw = Path(folder) / "notes.mid", Path(folder) / "notes.raw"
        _write_song(order, order.pitches, slot_s, song)
        command = [program, "-ni", "-q", "-R", "0", "-C", "0", "-g", "0.8", "-r", str(SAMPLE_RATE_HZ), "-T", "raw"]
        command += ["-O", "s16", "-F", str(raw), str(font), str(song)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            raise Unavailable(Reason.PROCESS_FAILED, f"FluidSynth did not play {font} in time.") from None
        if done.returncode != 0 or not raw.is_file():
            said = " ".join(done.stderr.split())[-300:]
            raise Unavailable(Reason.PROCESS_FAILED, f"FluidSynth could not play {font}: {said}")
        stereo = np.frombuffer(raw.read_bytes(), "<i2").reshape(-1, 2)
    mono = stereo.astype(np.int32).mean(axis=1).astype(np.int16)
    slot = round(slot_s * SAMPLE_RATE_HZ)
    mono = np.pad(mono, (0, max(0, slot * len(order.pitches) - len(mono))))
    return mono[: slot * len(order.pitches)].reshape(len(order.pitches), slot)


def _write_song(order: Order, pitches: Sequence[int], slot_s: float, path: Path) -> None:
    """One tick is a millisecond."""
    channel = _DRUM_CHANNEL if order.drums else 0
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000)])
    track.append(mido.Message("program_change", channel=channel, program=order.program))
    hold, slot = round(order.hold_s * 1000), round(slot_s * 1000)
    for index, pitch in enumerate(pitches):
        wait = 0 if index == 0 else slot - hold
        track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=order.velocity, time=wait))
        track.append(mido.Message("note_off", channel=channel, note=pitch, velocity=0, time=hold))
    file = mido.MidiFile(ticks_per_beat=1000)
    file.tracks.append(track)
    file.save(path)
