"""Whether videos may be fetched, and how much of one (`GENESIS_EDGE_VIDEOS*`)."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class VideoSettings(BaseSettings):
    """Off unless allowed.

    `test_address` is for tests: media served from it are fetched through yt-dlp's generic extractor. It must be a port
    of a loopback address.
    """

    model_config = SettingsConfigDict(env_prefix="GENESIS_EDGE_VIDEOS_", extra="ignore", populate_by_name=True)

    allowed: bool = Field(default=False, validation_alias="GENESIS_EDGE_VIDEOS")
    test_address: str = ""
    max_duration_s: PositiveFloat = 15 * 60.0
    max_bytes: PositiveInt = 200_000_000
    limit_s: PositiveFloat = 180.0
    memory_bytes: PositiveInt = 1 << 30
    concurrent: PositiveInt = 2
