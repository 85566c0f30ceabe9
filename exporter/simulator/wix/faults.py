"""Faults that speak Wix, for :class:`exporter.simulator.faults.FaultBoard` (wix.md 9.1, 9.2)."""

from __future__ import annotations

from exporter.simulator.faults import Fault, FaultKind
from exporter.simulator.platform import JSON, Reply
from exporter.simulator.wix.errors import application_error, empty_error


def system_error(operation: str | None = None, *, status: int = 500, times: int | None = None) -> Fault:
    """Return a fault that answers with the empty body of a 5xx, or of a bare 403."""
    return _answer(empty_error(status).reply, operation, times)


def function_removed(operation: str | None = None, *, times: int | None = None) -> Fault:
    """Return a fault that answers as a retired endpoint does: 503 with a code that no retry will change."""
    return _answer(application_error(503, "FUNCTION_REMOVED", "This function has been removed").reply, operation, times)


def _answer(reply: Reply, operation: str | None, times: int | None) -> Fault:
    return Fault(
        FaultKind.BODY,
        platform="wix",
        operation=operation,
        times=times,
        status=reply.status,
        body=reply.body.decode(),
        content_type=JSON,
    )
