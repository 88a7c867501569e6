"""What every operation takes and answers beyond what its route and its handler's docstring say."""

from __future__ import annotations

from typing import Final

from web_edge.openapi.account_operations import ACCOUNTS
from web_edge.openapi.operation import Operation
from web_edge.openapi.transcription_operations import TRANSCRIPTIONS

OPERATIONS: Final[dict[tuple[str, str], Operation]] = {**TRANSCRIPTIONS, **ACCOUNTS}
"""By method and path, as the routes name it."""
