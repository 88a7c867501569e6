"""The catalogue of guitars, by name: `sampled/nylon`, `soundfont/TimGM6mb/25`, `modal/17`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from inference.training.amplifiers import Signal
from inference.training.band import recorded_kit, synthesise_kit
from inference.training.modal import ModalGuitar
from inference.training.sample_bank import ELECTRIC, GUITARS, fetch_samples, load_bank
from inference.training.soundfont import DRUM_PITCHES, RECORDED_KITS, Order, record
from inference.training.voices import Guitar, RecordedGuitar

SAMPLED, SOUNDFONT, MODAL = "sampled", "soundfont", "modal"
_GUITAR_PITCHES = tuple(range(30, 91, 2))
_BASS_PITCHES = tuple(range(23, 68, 2))
_BASSES = range(32, 40)
_ELECTRICS = range(26, 40)


def is_bass_sound(name: str) -> bool:
    """Whether a name means a soundfont's bass, which plays no guitar music."""
    kind, _, rest = name.partition("/")
    return kind == SOUNDFONT and int(rest.rpartition("/")[2]) in _BASSES


def default_sounds_dir() -> Path:
    """`$GENESIS_DATA_DIR`, else `var/` beside the packages: the demo keeps its samples there too."""
    return Path(os.environ.get("GENESIS_DATA_DIR") or Path(__file__).resolve().parents[2] / "var")


class SoundLibrary:
    """Makes guitars and kits and keeps them: the first use of one takes seconds, the next none. One process each.

    Args:
        folder: where samples are fetched to and recordings kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guitars: dict[str, Guitar] = {}
        self._kits: dict[str, Mapping[int, Signal]] = {}

    def guitar(self, name: str) -> Guitar:
        """A guitar, or a bass, by name.

        Raises:
            ValueError: no such sound.
            Unavailable: what it is made of is not here and cannot be fetched; the message says what to install.
        """
        kind, _, rest = name.partition("/")
        if kind == MODAL:
            return ModalGuitar(int(rest))
        if name not in self._guitars:
            self._guitars[name] = self._make(name, kind, rest)
        return self._guitars[name]

    def kit(self, name: str) -> Mapping[int, Signal]:
        """A drum kit: `synth/5`, `soundfont/TimGM6mb/0`, or struck at another velocity `soundfont/TimGM6mb/0/60`.

        Raises as `guitar` does.
        """
        if name not in self._kits:
            kind, _, rest = name.partition("/")
            if kind == "synth":
                return synthesise_kit(int(rest))
            if kind != SOUNDFONT:
                raise ValueError(f"There is no drum kit {name!r}.")
            font, program, velocity = (*rest.split("/"), "96")[:3]
            drums = font not in RECORDED_KITS
            order = Order(font, int(program), DRUM_PITCHES, hold_s=1.5, velocity=int(velocity), drums=drums)
            self._kits[name] = recorded_kit(record(order, self._folder / "soundfonts"))
        return self._kits[name]

    def _make(self, name: str, kind: str, rest: str) -> Guitar:
        if kind == SAMPLED and rest in GUITARS:
            recordings = load_bank(fetch_samples(self._folder / "samples", rest), rest)
            return RecordedGuitar(recordings, electric=rest == ELECTRIC)
        if kind == SOUNDFONT:
            font, _, program = rest.partition("/")
            pitches = _BASS_PITCHES if int(program) in _BASSES else _GUITAR_PITCHES
            recordings = record(Order(font, int(program), pitches), self._folder / "soundfonts")
            return RecordedGuitar(recordings, electric=int(program) in _ELECTRICS)
        raise ValueError(f"There is no sound {name!r}.")
