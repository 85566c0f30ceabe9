"""What most commands need and a health check does not: logs and an event loop, imported when they are needed."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

T = TypeVar("T")


def configure_logs(level: str, format: Literal["auto", "logfmt", "json"] = "auto") -> None:  # noqa: A002  its own word
    """Log from ``level`` on, in ``format``."""
    from exporter.support import logs  # noqa: PLC0415

    logs.configure(level, format)


def logger(name: str) -> Any:  # noqa: ANN401  the library's own type of it
    """Return a logger. A command that set up no log of its own shows no local variables either."""
    import structlog  # noqa: PLC0415

    if not structlog.is_configured():
        configure_logs("warning")
    return structlog.get_logger(name)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns, done in an event loop of its own."""
    import asyncio  # noqa: PLC0415

    return asyncio.run(work)
