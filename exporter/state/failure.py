"""Why a poll did not fully succeed, as people see it."""

from __future__ import annotations

from exporter.errors import PollError, Reason
from exporter.model import Value


class Failure(Value, frozen=True, gc=False):
    """Why the last poll did not fully succeed; fit to be shown to people.

    ``count`` is how many failed in a row, ``since`` when the first of them did. One that is ``partial`` was answered all the
    same, if only with what could not be read.
    """

    reason: Reason
    message: str
    at: float
    count: int = 1
    status: int | None = None
    code: str | None = None
    request_id: str | None = None
    since: float | None = None
    partial: bool = False


def failure_of(error: PollError, at: float, count: int, since: float | None = None, *, partial: bool = False) -> Failure:
    """Return the shown form of ``error``; ``since`` is when the first of ``count`` failures in a row happened."""
    return Failure(error.reason, error.message, at, count, error.status, error.code, error.request_id, since, partial)
