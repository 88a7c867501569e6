"""What a session came to, written where the caller asked."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from genesis.options import Wish
from genesis.output import STDOUT, write_json, write_text
from genesis.tab_text import to_tab_text
from music.errors import Reason
from music.events import SessionFailed
from music.session_state import SessionState

_UNPLACED = {
    "out_of_range": "lie outside this instrument's range",
    "unplayable": "are more than a hand can hold",
}


@dataclass(frozen=True, slots=True)
class Results:
    """Files to write; a text tab on stdout where none is named. `final` arranges all notes at once, around the strings
    that `pins` decides by note id. `guess_tuning` tells which other tuning the notes suggest.
    """

    json: Path | None = None
    txt: Path | None = None
    final: bool = False
    pins: Mapping[str, int] = field(default_factory=dict)
    guess_tuning: bool = False

    @property
    def paths(self) -> tuple[Path | None, ...]:
        return (self.json, self.txt)

    def write(self, state: SessionState, wish: Wish) -> None:
        """Raises InvalidInput: REQUEST_INVALID, a pin that cannot be."""
        from music.document import summary_of

        if self.final:
            rearrange(state, wish, self.pins)
        if self.json is not None:
            from music.document import to_document

            write_json(self.json, to_document(state))
        if self.txt is not None or self.json is None:
            write_text(self.txt or STDOUT, to_tab_text(state.sorted_notes(), wish.instrument))
        tell_unplaced(summary_of(state.notes.values()))
        if self.guess_tuning:
            tell_tuning(state, wish)


def rearrange(state: SessionState, wish: Wish, pins: Mapping[str, int]) -> None:
    """Put the offline optimum in place of the frets that were chosen as the notes came."""
    from music.player_settings import arrange_for

    for note in arrange_for(state.sorted_notes(), wish.player.settings(wish.instrument, pins)):
        state.notes[note.id] = note


def tell_tuning(state: SessionState, wish: Wish) -> None:
    """Say on stderr what the notes suggest to play them on."""
    from music.tuning_offer import offer_tuning

    offer = offer_tuning(state.sorted_notes(), wish.instrument, wish.player.preferences)
    if offer is None:
        sys.stderr.write("The notes suggest no other tuning or capo.\n")
        return
    tuning = offer.name or ",".join(map(str, offer.tuning))
    sys.stderr.write(f"The notes suggest --tuning {tuning} --capo {offer.capo}.\n")


def tell_unplaced(summary: Mapping[str, int]) -> None:
    """Say on stderr what of the notes cannot be played; nothing when all can be."""
    for flag, what in _UNPLACED.items():
        count = summary[flag]
        if count:
            sys.stderr.write(f"{count} of {summary['notes']} notes {what}; they are kept and flagged {flag}.\n")


def raise_failure(state: SessionState) -> None:
    """Raise what made a session fail; returns when it did not."""
    from wire.errors import from_reason

    match state.failed:
        case SessionFailed(reason, message):
            raise from_reason(reason, message)
    if not state.is_over:
        raise from_reason(Reason.ORCHESTRATOR_UNAVAILABLE, "The session broke off before its end.")
