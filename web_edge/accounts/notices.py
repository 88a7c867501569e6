"""Tells people by mail that a job of theirs is over, unless they would rather not know.

That it is to be told stands in the database, written with the job's end, and one edge takes it from there. A notice
that was taken and not yet sent when its edge dies is lost: better one too few than one twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import anyio

from web_edge.accounts.mail import Mailer
from web_edge.accounts.preferences import Preferences
from web_edge.accounts.users import Users
from web_edge.rows import Status, Transcription
from web_edge.transcriptions import Transcriptions

_LOOK_S: Final = 2.0
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class JobNotices:
    """`origin` is where the page is, "" when nobody has said."""

    transcriptions: Transcriptions
    users: Users
    preferences: Preferences
    mailer: Mailer
    origin: str

    async def run(self) -> None:
        """Until cancelled. Raises Unavailable: DATABASE_UNAVAILABLE."""
        while True:
            for job in await self.transcriptions.take_due_notices(_AT_ONCE):
                await self._tell(job)
            await anyio.sleep(_LOOK_S)

    async def _tell(self, job: Transcription) -> None:
        user = await self.users.find(job.owner)
        if user is None or user.disabled or not (await self.preferences.get(user.id))["email_notices"]:
            return
        # Titles are strangers' words: they stay out of the headers.
        if job.status is Status.COMPLETED:
            subject, what = "Your transcription is done", f"“{job.title}” is transcribed."
        else:
            why = "" if job.error is None else f"\n{job.error.message}"
            subject, what = "Your transcription failed", f"“{job.title}” could not be transcribed.{why}"
        why_told = "You are told because notices by e-mail are on in your preferences."
        self.mailer.notify(user.email, subject, "\n\n".join(filter(None, (what, self.origin, why_told))))
