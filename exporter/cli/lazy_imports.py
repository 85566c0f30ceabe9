"""Lazy imports of what most commands need and a health check does not: logs and an event loop."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Coroutine, Iterator
from typing import Any, Literal, TypeVar

from exporter.support.imports import without_garbage_collection

T = TypeVar("T")


def configure_logs(level: str, format: Literal["auto", "logfmt", "json"] = "auto") -> None:  # noqa: A002  its own word
    """Log from ``level`` on, in ``format``."""
    with lean_imports():
        from exporter.support import logs  # noqa: PLC0415

    logs.configure(level, format)


def logger(name: str) -> Any:  # noqa: ANN401  the library's own type of it
    """Return a logger. A command that set up no log of its own shows no local variables either."""
    with lean_imports():
        import structlog  # noqa: PLC0415

    if not structlog.is_configured():
        configure_logs("warning")
    return structlog.get_logger(name)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns, done in an event loop of its own."""
    import asyncio  # noqa: PLC0415

    return asyncio.run(work)


@contextlib.contextmanager
def lean_imports() -> Iterator[None]:
    """Import without what nothing here needs: rich and pygments, which structlog and httpx take where they are there."""
    kept_out = [name for name in ("rich", "pygments") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(kept_out))  # type: ignore[arg-type]  # as the import system says that there is none
    try:
        with without_garbage_collection():
            yield
    finally:
        for name in kept_out:
            del sys.modules[name]
