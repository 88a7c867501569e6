"""The open arrangers we compare with, `tuttut` 0.0.6 and `tabsynth` 1.0.6, run in the peers' own environment.

Both get what helps them: notes that begin within 50 ms at one time, the open strings with the capo in them, the neck's
true last fret. `tuttut` takes chords as they are; `tabsynth` takes them note by note, for its chords are the nearest of
some templates and do not keep the notes. It knows one tuning only and six strings; its table of open strings is
replaced, and where there are other than six strings it has no answer. What a peer does not answer counts as wrong.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from bench._peers import PeersAbsentError, peers_bin
from bench._tabs import Tab
from music.arranging import group_notes
from music.audio import SAMPLE_RATE_HZ

NAMES = ("tuttut", "tabsynth")
_PATIENCE_S = 60

_SCRIPT = """
import importlib, json, signal, sys, time, types

def absent(*names):  # drawing only
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["matplotlib"].pyplot = sys.modules["matplotlib.pyplot"]

absent("matplotlib", "matplotlib.pyplot")
import pretty_midi
from tuttut.logic.tab import Tab
from tuttut.logic.theory import Tuning
import tabsynth, tabsynth.candidates

def tuttut(piece):
    midi = pretty_midi.PrettyMIDI()
    instrument = pretty_midi.Instrument(24)
    for at, (start, end, pitches) in enumerate(piece["groups"]):
        instrument.notes += [pretty_midi.Note(80, pitch, start, end) for pitch in pitches]
    midi.instruments.append(instrument)
    tuning = Tuning([pretty_midi.note_number_to_name(pitch) for pitch in piece["open"]])
    tuning.nfrets = piece["last"]
    tab = Tab("piece", tuning, midi)
    by_tick = {}
    for measure in tab.tab["measures"]:
        for event in measure["events"]:
            for note in event.get("notes", []):
                pitch = pretty_midi.note_name_to_number(note["degree"] + note["octave"])
                by_tick.setdefault(event["time_ticks"], {})[pitch] = note["string"] + 1
    at = lambda start: by_tick.get(midi.time_to_tick(start), {})
    return [[at(start).get(pitch, 0) for pitch in pitches] for start, _, pitches in piece["groups"]]

def tabsynth_(piece):
    if len(piece["open"]) != 6:
        return None
    hz = lambda pitch: 440 * 2 ** ((pitch - 69) / 12)
    tabsynth.candidates.STANDARD_TUNING_HZ = {s: hz(p) for s, p in enumerate(piece["open"], start=1)}
    lowest, highest = min(piece["open"]), max(piece["open"]) + piece["last"]
    events, where = [], []
    for at, (start, end, pitches) in enumerate(piece["groups"]):
        for index, pitch in enumerate(pitches):
            if lowest <= pitch <= highest:
                events.append(tabsynth.NoteEvent(hz(pitch), start, max(end - start, 0.01)))
                where.append((at, index))
    found = [[0] * len(pitches) for _, _, pitches in piece["groups"]]
    states = tabsynth.optimize_sequence(events, max_fret=piece["last"])
    if len(states) != len(events):
        return None
    for (at, index), state in zip(where, states):
        found[at][index] = next(iter(state.strings))
    return found

def give_up(*_):
    raise TimeoutError

signal.signal(signal.SIGALRM, give_up)
asked = json.load(sys.stdin)
for piece in asked["pieces"]:
    told = {}
    for name, ask in (("tuttut", tuttut), ("tabsynth", tabsynth_)):
        begun = time.perf_counter()
        signal.alarm(asked["patience_s"])
        try:
            strings = ask(piece)
        except Exception as error:
            strings = None
            print(f"{name}: {type(error).__name__} {error}", file=sys.stderr)
        signal.alarm(0)
        told[name] = {"strings": strings, "took_s": time.perf_counter() - begun}
    print(json.dumps(told), flush=True)
"""


def ask_peers(tabs: Sequence[Tab]) -> list[dict[str, tuple[list[int | None], float]]]:
    """For each tab, by peer: the string of each note (None where there is no answer), and the seconds it took.

    Raises:
        PeersAbsentError: see `peers_bin`.
    """
    asked = json.dumps({"pieces": [_piece(tab) for tab in tabs], "patience_s": _PATIENCE_S})
    command = [str(peers_bin() / "python"), "-W", "ignore", "-c", _SCRIPT]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or len(answers) != len(tabs):
        raise PeersAbsentError(f"the peers do not run here: {done.stderr.strip()[-300:]}")
    return [
        {name: (_by_note(tab, told[name]["strings"]), told[name]["took_s"]) for name in NAMES}
        for tab, told in zip(tabs, answers, strict=True)
    ]


def _piece(tab: Tab) -> dict[str, Any]:
    groups = [
        (
            group[0].onset / SAMPLE_RATE_HZ,
            max([note.offset or 0 for note in group] + [group[0].onset + 1]) / SAMPLE_RATE_HZ,
            [note.pitch for note in group],
        )
        for group in group_notes(tab.notes)
    ]
    open_pitches = [pitch + tab.instrument.capo for pitch in tab.instrument.tuning]
    return {"open": open_pitches, "last": tab.instrument.fret_count - tab.instrument.capo, "groups": groups}


def _by_note(tab: Tab, strings: list[list[int]] | None) -> list[int | None]:
    if strings is None:
        return [None] * len(tab.notes)
    told = {
        note.id: string or None
        for group, row in zip(group_notes(tab.notes), strings, strict=True)
        for note, string in zip(group, row, strict=True)
    }
    return [told[note.id] for note in tab.notes]
