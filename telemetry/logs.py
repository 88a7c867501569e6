"""Structured logs on stderr: for people at a terminal, as JSON lines elsewhere."""

from __future__ import annotations

import logging
import sys

import structlog

from telemetry.privacy import hide_private


def configure_logging(process: str, level: str = "INFO") -> None:
    """Send this process's records, and those of its libraries, through structlog to stderr.

    Args:
        process: name shown in every record (`orchestrator`, `edge`, …).
        level: least severe level shown, a name of the logging module.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    else:
        shared.append(structlog.processors.format_exc_info)
        # After the traceback has become text; on a terminal it is drawn last, for the one who sits before it.
        renderer = structlog.processors.JSONRenderer()
    shared.append(hide_private)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    structlog.contextvars.bind_contextvars(process=process)
