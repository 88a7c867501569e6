"""`python -m orchestrator`."""

from __future__ import annotations

from importlib.util import find_spec

import anyio

from orchestrator.bootstrap import serve
from orchestrator.settings import Settings
from telemetry.logs import configure_logging


def main() -> None:
    settings = Settings()
    configure_logging("orchestrator", settings.log_level)
    # Not there for every system; where it is, an event costs a third less.
    anyio.run(serve, settings, backend_options={"use_uvloop": find_spec("uvloop") is not None})


if __name__ == "__main__":
    main()
