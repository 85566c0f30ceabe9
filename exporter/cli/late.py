"""What most commands need and a health check does not: logs and an event loop, imported when they are needed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Coroutine, Iterator
from typing import Any, Literal, TypeVar

T = TypeVar("T")


def configure_logs(level: str, format: Literal["auto", "logfmt", "json"] = "auto") -> None:  # noqa: A002  its own word
    """Log from ``level`` on, in ``format``."""
    with without_rich():
        from exporter.support import logs  # noqa: PLC0415

    logs.configure(level, format)


def logger(name: str) -> Any:  # noqa: ANN401  the library's own type of it
    """Return a logger. A command that set up no log of its own shows no local variables either."""
    with without_rich():
        import structlog  # noqa: PLC0415

    if not structlog.is_configured():
        configure_logs("warning")
    return structlog.get_logger(name)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns, done in an event loop of its own."""
    import asyncio  # noqa: PLC0415

    return asyncio.run(work)


@contextlib.contextmanager
def without_rich() -> Iterator[None]:
    """Import without rich, which structlog and httpx take where it is there: a fifth of a start, and no log here needs it."""
    if "rich" in sys.modules:
        yield
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # as the import system says that there is none
    try:
        yield
    finally:
        del sys.modules["rich"]
