"""What a session came to, written where the caller asked."""

from __future__ import annotations

from dataclasses import dataclass

from genesis.files import Files
from genesis.output import STDOUT
from music.errors import Reason
from music.events import SessionFailed
from music.session_state import SessionState
from music.tuning import Instrument


@dataclass(frozen=True, slots=True)
class Results:
    """Files to write; a text tab on stdout where none is named. `final` arranges all notes at once."""

    files: Files
    final: bool = False

    def write(self, state: SessionState, instrument: Instrument, title: str = "") -> None:
        if self.final:
            rearrange(state, instrument)
        from music.document import to_document

        files = self.files if self.files.is_any_named else Files(txt=STDOUT)
        files.write(to_document(state), title=title)


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
