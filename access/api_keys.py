"""API keys: what they look like, and how one is known again without being kept.

A key is `gm_<id>_<secret>`. The secret is 256 random bits, so a plain SHA-256 of it gives nothing away and costs
nothing to check; slow hashes are for what people think up.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

from access.caller import Scope

PREFIX: Final = "gm_"
_KEY: Final = re.compile(r"gm_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is shown once, and what is kept of it."""

    text: str
    id: str
    sha256: str


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is known of a key. `expires_at_s` is Unix time, 0 for never."""

    id: str
    sha256: str
    owner: str
    scopes: frozenset[Scope]
    expires_at_s: int = 0

    def fits(self, text: str, now_s: float) -> bool:
        """Whether `text` is this key and it still counts; takes as long for every wrong one."""
        is_it = hmac.compare_digest(digest(text), self.sha256)
        return is_it and (self.expires_at_s == 0 or now_s < self.expires_at_s)


def make_key() -> NewKey:
    key_id = secrets.token_hex(8)
    text = f"{PREFIX}{key_id}_{secrets.token_urlsafe(32)}"
    return NewKey(text, key_id, digest(text))


def id_in(text: str) -> str | None:
    """The id a key names; None when it is no key."""
    found = _KEY.fullmatch(text)
    return None if found is None else found[1]


def digest(text: str) -> str:
    """What is kept of a secret of 256 random bits: its SHA-256 in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
