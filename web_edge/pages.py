"""The built page and the demo piece, from disk."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Genesis Music</title>
<h1>The page is not built yet</h1>
<p>Run <code>make ui</code> and load this address again. The API is at
<a href="/api/transcribe">/api/transcribe</a>.</p>
"""


def page_routes(ui_dir: Path, demo_dir: Path) -> list[Mount]:
    """Routes for `/demo/*` and everything else; either folder may be missing or appear later."""
    return [Mount("/demo", _Folder(demo_dir)), Mount("/", _Page(ui_dir))]


class _Folder(StaticFiles):
    """Files of a folder that need not be there."""

    def __init__(self, folder: Path, *, html: bool = False) -> None:
        super().__init__(directory=folder, html=html, check_dir=False)

    async def check_config(self) -> None:
        """A folder that is missing has no files; that is all."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        # Vite puts a hash of the content into the names below assets/.
        hashed = path.startswith("assets/") and response.status_code in (200, 206, 304)
        response.headers["Cache-Control"] = _FOR_EVER if hashed else _ASK_FIRST
        return response


class _Page(_Folder):
    """The built page, or a word on how to build it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code == 404 and path == ".":
                return HTMLResponse(_NOT_BUILT, 503, {"Cache-Control": "no-store", "Retry-After": "10"})
            raise
