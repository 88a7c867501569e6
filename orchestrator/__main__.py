"""`python -m orchestrator`."""

from __future__ import annotations

import anyio

from orchestrator.bootstrap import serve
from orchestrator.settings import Settings
from telemetry.logs import configure_logging


def main() -> None:
    settings = Settings()
    configure_logging("orchestrator", settings.log_level)
    anyio.run(serve, settings, backend_options={"use_uvloop": settings.uvloop})


if __name__ == "__main__":
    main()
