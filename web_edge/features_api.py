"""`/api/features`: what this server does and how much it takes, so that a page offers nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from web_edge.conditional import json_response
from web_edge.videos.settings import VideoSettings

PATH = "/api/features"


@dataclass(frozen=True, slots=True)
class FeaturesApi:
    """The handler and what it tells of."""

    max_upload_bytes: int
    videos: VideoSettings

    def routes(self) -> list[Route]:
        return [Route(PATH, self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """What this server offers, and its limits."""
        longest = self.videos.max_duration_s if self.videos.allowed else None
        told = {
            "videos": self.videos.allowed,
            "longest_video_s": longest,
            "largest_upload_bytes": self.max_upload_bytes,
        }
        return json_response(request, told)
