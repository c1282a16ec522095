"""What every process of ours begins with and ends by: its logs, and the signal to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

import structlog
from structlog.typing import Processor


def set_up_logs(*, quiet: bool = False) -> None:
    """Write one JSON object a line to standard error; only warnings when `quiet`.

    What libraries say by way of `logging`, and with which traceback, is such a line too.
    """
    level = logging.WARNING if quiet else logging.INFO
    said: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    written = structlog.processors.JSONRenderer(ensure_ascii=False)
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=said,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, written],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[libraries])
    structlog.configure(
        processors=[*said, written],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def stop_asked() -> asyncio.Event:
    """Return what SIGINT and SIGTERM set from now on."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stopped.set)
    return stopped
