"""The session's clock: one integer sample index, counted from the session's first sample.

Every time inside the rules is such an index. Seconds appear at the codec and nowhere before it.
"""

from __future__ import annotations

SAMPLE_RATE_HZ = 22_050
"""Rate of the session's clock and of the mono signal that every transcriber gets."""


def seconds(sample: int) -> float:
    """Time of a sample index, in seconds from the session's first sample."""
    return sample / SAMPLE_RATE_HZ


def sample_at(time_s: float) -> int:
    """Nearest sample index to a time in seconds; inverse of `seconds` for every index it can yield."""
    return round(time_s * SAMPLE_RATE_HZ)
