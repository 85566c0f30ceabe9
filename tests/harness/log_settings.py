"""Logging is one per process: what a test configures is put back for the next."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from exporter.support import logs


@contextmanager
def logging_as_before() -> Iterator[None]:
    """Leave handlers, levels and processors of all logging as they were."""
    root = logging.getLogger()
    before, level, config = list(root.handlers), root.level, structlog.get_config()
    try:
        yield
    finally:
        logs.count_with(None)
        logs.set_level("info")
        root.handlers[:] = before
        root.setLevel(level)
        structlog.configure(**config)
        logging.captureWarnings(capture=False)
