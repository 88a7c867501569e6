"""`python -m orchestrator`."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import anyio
import structlog

from access.tls import no_old_tls_in_grpc
from inference.blas import one_blas_thread
from music.errors import GenesisError
from telemetry.logs import configure_logging

USAGE_EXIT_CODE = 2


def main() -> int:
    no_old_tls_in_grpc()
    one_blas_thread()
    # gRPC and numpy read what was just said when they are imported.
    from orchestrator.bootstrap import serve
    from orchestrator.settings import Settings, check_listen

    settings = Settings()
    configure_logging("orchestrator", settings.log_level)
    try:
        check_listen(settings)
    except GenesisError as error:
        structlog.get_logger(__name__).error("orchestrator.cannot_start", error=error.message)
        return USAGE_EXIT_CODE
    # Not there for every system; where it is, an event costs a third less.
    anyio.run(serve, settings, backend_options={"use_uvloop": settings.uvloop and find_spec("uvloop") is not None})
    return 0


if __name__ == "__main__":
    sys.exit(main())
