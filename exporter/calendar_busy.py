"""The frozen values about an owner's own calendar: when it says that they are busy.

Moments are Unix seconds (``float``). No title, guest, place or address of an entry has a place here.
"""

from __future__ import annotations

from exporter.value import Value, Window

Period = tuple[float, float]
"""A half-open interval ``[start, end)``."""


class BusyWindow(Value, frozen=True, gc=False):
    """How many ``seconds`` of a ``window`` are busy."""

    window: Window
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether all of it was read; a calendar comes whole or not at all."""
        return True


class BusyObservation(Value, frozen=True, gc=False):
    """When a calendar is busy in ``[start, end)``, as it was at ``at``.

    ``periods`` are the union of all busy times but whole days: ascending, disjoint, not touching. A whole day is a holiday
    or a birthday and would prove every booking, so ``whole_days`` only counts them. ``entries`` are the times of each busy
    entry by itself, ascending, and ``free`` those of entries that are marked as free; both are ``None`` where the server tells
    only when somebody is busy. ``unclear`` are times of whole days in which such a server may tell no other entry by itself,
    and times that its answer is not about: what is not busy there may be so all the same. Entries outside the range, cancelled
    ones and those that nobody can read are in none of them; ``unread`` is how many of the last may lie in the range.
    """

    at: float
    start: float
    end: float
    periods: tuple[Period, ...]
    windows: tuple[BusyWindow, ...] = ()
    whole_days: int = 0
    entries: tuple[Period, ...] | None = None
    free: tuple[Period, ...] | None = None
    unclear: tuple[Period, ...] = ()
    unread: int = 0
