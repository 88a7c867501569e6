"""A tablature staff below the standard one in a MusicXML tree: what music21 leaves out of string and fret.

music21 writes neither `<staff-tuning>` for a tab clef nor hammer-ons, so the second staff is made here from the first:
the same notes in voices of their own, with string, fret and technique in place of beams and accidentals. The order of
elements is that of the W3C's MusicXML 4.0 schema.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, SubElement

from exports.harte import note_name
from exports.losses import Losses, LossKind
from exports.score import Score
from exports.written import BEND, HAMMER_ON, LET_RING, PULL_OFF, SLIDE, VIBRATO, symbols
from music.beats import Bar
from music.notation import NotatedBar, Symbol
from music.note import Note
from music.tuning import Instrument, Position

CARRIED = frozenset({BEND, HAMMER_ON, LET_RING, PULL_OFF, SLIDE, VIBRATO})
TAB_VOICES = 4
"""Voices of the tab staff are numbered from here on: 5 and 6."""
_BEFORE_STAFF = (
    "grace", "chord", "pitch", "rest", "unpitched", "duration", "tie", "cue", "instrument", "footnote", "level",
    "voice", "type", "dot", "accidental", "time-modification", "stem", "notehead",
)  # fmt: skip
_BEFORE_CLEF = ("divisions", "key", "time", "staves", "part-symbol", "instruments", "clef")
_NOT_IN_TAB = ("accidental", "beam", "stem", "lyric")


def add_tab_staff(root: Element, score: Score, joined: Mapping[str, Note], losses: Losses) -> None:
    """Give the one part of a score its second staff, and bars and tempi what music21 does not say of them."""
    measures = root.findall("part/measure")
    technical = _Technical(score, joined, losses)
    for number, (measure, bar) in enumerate(zip(measures, score.notation.bars, strict=True)):
        if number == 0:
            _describe(measure, score.instrument)
        if bar.bar.length != bar.bar.signature.length:
            measure.set("implicit", "yes")
        _say_tempo(measure, bar.bar, score.bars[number - 1] if number else None)
        _add_staff(measure, bar, technical)


def _describe(measure: Element, instrument: Instrument) -> None:
    attributes = _required(measure, "attributes")
    _insert_before_later(attributes, _text("staves", "2"), _BEFORE_CLEF[:3])
    _required(attributes, "clef").set("number", "1")
    lower = Element("clef", number="2")
    lower.extend([_text("sign", "TAB"), _text("line", "5")])
    _insert_before_later(attributes, lower, _BEFORE_CLEF)
    _insert_before_later(attributes, _staff_details(instrument), (*_BEFORE_CLEF, "staff-details"))


def _staff_details(instrument: Instrument) -> Element:
    """Lines count from the bottom, which is the last string."""
    details = Element("staff-details", number="2")
    details.append(_text("staff-lines", str(instrument.string_count)))
    for line, pitch in enumerate(reversed(instrument.tuning), start=1):
        name = note_name(pitch)
        tuning = SubElement(details, "staff-tuning", line=str(line))
        tuning.append(_text("tuning-step", name[0]))
        if len(name) > 1:
            tuning.append(_text("tuning-alter", "1"))
        tuning.append(_text("tuning-octave", str(pitch // 12 - 1)))
    if instrument.capo:
        details.append(_text("capo", str(instrument.capo)))
    return details


def _say_tempo(measure: Element, bar: Bar, previous: Bar | None) -> None:
    """The tempo for players, in quarters a minute; printed marks are music21's."""
    quarters = [round(one.tempo_bpm * float(one.signature.beat * 4), 2) for one in (bar, previous or bar)]
    if measure.find("direction/sound") is None and quarters[0] != quarters[1]:
        place = next((n for n, child in enumerate(measure) if child.tag not in ("print", "attributes")), len(measure))
        measure.insert(place, Element("sound", tempo=f"{quarters[0]:g}"))


def _add_staff(measure: Element, bar: NotatedBar, technical: _Technical) -> None:
    heads = list(_heads(bar))
    notes = measure.findall("note")
    if len(heads) != len(notes):
        raise AssertionError(f"bar {bar.bar.number}: {len(notes)} heads written of {len(heads)}")
    below: list[Element] = []
    backup = Element("backup")
    per_bar = sum(int(note.findtext("duration", "0")) for note in notes if _is_first_voice(note, notes[0]))
    backup.append(_text("duration", str(per_bar)))
    waiting = {id(note): head for note, head in zip(notes, heads, strict=True)}
    group: list[tuple[Element, str, Symbol]] = []
    for child in [*measure]:
        if child.tag == "note":
            _set_voice(child, child.findtext("voice", "1"))
            _set_staff(child, 1)
            symbol, name = waiting[id(child)]
            if child.find("chord") is None:
                below += technical.lowered(group)
                group = []
            group.append((child, name, symbol))
        elif child.tag in ("backup", "forward"):
            below += technical.lowered(group)
            group = []
            below.append(copy.deepcopy(child))
        elif child.tag in ("harmony", "direction"):
            _insert_before_later(child, _text("staff", "1"), _BEFORE_STAFF_OF_DIRECTION)
    below += technical.lowered(group)
    place = max(n for n, child in enumerate(measure) if child.tag == "note") + 1
    for element in reversed([backup, *below]):
        measure.insert(place, element)


_BEFORE_STAFF_OF_DIRECTION = (
    "root", "numeral", "function", "kind", "inversion", "bass", "degree", "frame", "direction-type", "offset",
    "footnote", "level", "voice",
)  # fmt: skip


def _is_first_voice(note: Element, first: Element) -> bool:
    return note.find("chord") is None and note.findtext("voice") == first.findtext("voice")


def _heads(bar: NotatedBar) -> Iterator[tuple[Symbol, str]]:
    """What the `<note>` elements of a bar stand for, in their order: symbol and note id, "" for a rest."""
    for _, symbol in symbols(bar):
        for name in symbol.notes or ("",):
            yield symbol, name


class _Technical:
    """Turns heads of the standard staff into those of the tab staff."""

    def __init__(self, score: Score, joined: Mapping[str, Note], losses: Losses) -> None:
        self._score = score
        self._joined = joined
        self._losses = losses
        self._origin = {following.id: score.notes[name] for name, following in joined.items()}

    def lowered(self, heads: list[tuple[Element, str, Symbol]]) -> list[Element]:
        """Copies of the heads of one chord that lie on strings; a rest where none does."""
        copies: list[Element] = []
        strings: set[int] = set()
        for element, name, symbol in heads:
            note = self._score.notes.get(name)
            if note is None or note.position is None:
                continue
            if note.position.string in strings:
                self._losses.add(LossKind.PLACES_IN_CONFLICT, int(name in symbol.starts))
                continue
            strings.add(note.position.string)
            lowered = _in_tab(element)
            mark = lowered.find("chord")
            if mark is not None and not copies:
                lowered.remove(mark)
            self._mark(lowered, note, note.position, symbol)
            copies.append(lowered)
        return copies or [_as_rest(element) for element, _, _ in heads[:1]]

    def _mark(self, element: Element, note: Note, position: Position, symbol: Symbol) -> None:
        notations = element.find("notations")
        if notations is None:
            notations = SubElement(element, "notations")
        technical = SubElement(notations, "technical")
        technical.extend([_text("string", str(position.string)), _text("fret", str(position.fret))])
        kinds = {technique.kind for technique in note.techniques}
        if note.id in symbol.starts:
            self._bend(technical, note)
            if VIBRATO in kinds:
                ornaments = SubElement(notations, "ornaments")
                SubElement(ornaments, "wavy-line", type="start")
                SubElement(ornaments, "wavy-line", type="stop")
            if (origin := self._origin.get(note.id)) is not None:
                self._join(notations, technical, {one.kind for one in origin.techniques}, "stop")
        if note.id not in symbol.tied:
            if note.id in self._joined:
                self._join(notations, technical, kinds, "start")
            if LET_RING in kinds:
                SubElement(notations, "tied", type="let-ring")

    def _join(self, notations: Element, technical: Element, kinds: set[str], end: str) -> None:
        # Two strings may be joined at once: their number tells which end belongs to which.
        number = technical.findtext("string", "1")
        for kind, tag, text in ((HAMMER_ON, "hammer-on", "H"), (PULL_OFF, "pull-off", "P")):
            if kind in kinds:
                mark = SubElement(technical, tag, number=number, type=end)
                mark.text = text if end == "start" else None
        if SLIDE in kinds:
            SubElement(notations, "slide", {"line-type": "solid", "number": number, "type": end})

    def _bend(self, technical: Element, note: Note) -> None:
        """One `<bend>` for each turn of the course: up to the peak, and back where it comes back."""
        course = [bend.semitones for bend in note.bends]
        peak = max(course, key=abs, default=0.0)
        if abs(peak) < _LEAST_BEND:
            self._losses.add(LossKind.TECHNIQUES, sum(technique.kind == BEND for technique in note.techniques))
            return
        self._losses.add(LossKind.BENDS)
        up = SubElement(technical, "bend")
        up.append(_text("bend-alter", f"{peak:.2f}"))
        if abs(course[-1]) < abs(peak) / 2:
            back = SubElement(technical, "bend")
            back.extend([_text("bend-alter", f"{-peak:.2f}"), Element("release")])


_LEAST_BEND = 0.1


def _in_tab(note: Element) -> Element:
    """A copy for the second staff: a voice of its own, and nothing that a tab does not show."""
    lowered = copy.deepcopy(note)
    lowered.attrib.clear()
    for tag in _NOT_IN_TAB:
        for child in lowered.findall(tag):
            lowered.remove(child)
    _set_voice(lowered, str(TAB_VOICES + int(lowered.findtext("voice", "1"))))
    _set_staff(lowered, 2)
    return lowered


def _as_rest(note: Element) -> Element:
    rest = _in_tab(note)
    for tag in ("pitch", "tie", "notations", "chord"):
        for child in rest.findall(tag):
            rest.remove(child)
    if rest.find("rest") is None:
        rest.insert(0, Element("rest"))
    return rest


def _set_voice(note: Element, number: str) -> None:
    voice = note.find("voice")
    if voice is None:
        voice = Element("voice")
        _insert_before_later(note, voice, _BEFORE_STAFF[: _BEFORE_STAFF.index("voice")])
    voice.text = number


def _set_staff(note: Element, number: int) -> None:
    staff = note.find("staff")
    if staff is None:
        staff = Element("staff")
        _insert_before_later(note, staff, _BEFORE_STAFF)
    staff.text = str(number)


def _insert_before_later(parent: Element, child: Element, earlier: tuple[str, ...]) -> None:
    """Put a child after all those that the schema wants before it."""
    place = max((n for n, other in enumerate(parent, start=1) if other.tag in earlier), default=0)
    parent.insert(place, child)


def _required(parent: Element, tag: str) -> Element:
    """The child that music21 always writes; LookupError would say that it no longer does."""
    found = parent.find(tag)
    if found is None:
        raise LookupError(f"<{parent.tag}> has no <{tag}>")
    return found


def _text(tag: str, text: str) -> Element:
    element = Element(tag)
    element.text = text
    return element
