"""What a session came to, written where the caller asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genesis.output import STDOUT, write_json, write_text
from exports.tab_text import to_tab_text
from music.errors import Reason
from music.events import SessionFailed
from music.session_state import SessionState
from music.tuning import Instrument


@dataclass(frozen=True, slots=True)
class Results:
    """Files to write; a text tab on stdout where none is named. `final` arranges all notes at once."""

    json: Path | None = None
    txt: Path | None = None
    final: bool = False

    @property
    def paths(self) -> tuple[Path | None, ...]:
        return (self.json, self.txt)

    def write(self, state: SessionState, instrument: Instrument) -> None:
        if self.final:
            rearrange(state, instrument)
        if self.json is not None:
            from music.document import to_document

            write_json(self.json, to_document(state))
        if self.txt is not None or self.json is None:
            write_text(self.txt or STDOUT, to_tab_text(state.sorted_notes(), instrument))


def rearrange(state: SessionState, instrument: Instrument) -> None:
    """Put the offline optimum in place of the frets that were chosen as the notes came."""
    from music.arranging import arrange

    for note in arrange(state.sorted_notes(), instrument):
        state.notes[note.id] = note


def raise_failure(state: SessionState) -> None:
    """Raise what made a session fail; returns when it did not."""
    from wire.errors import from_reason

    match state.failed:
        case SessionFailed(reason, message):
            raise from_reason(reason, message)
    if not state.is_over:
        raise from_reason(Reason.ORCHESTRATOR_UNAVAILABLE, "The session broke off before its end.")
