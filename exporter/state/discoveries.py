"""How the rules of ``discover`` are doing, for the page and for ``/-/ready``."""

from __future__ import annotations

from exporter.model import Value


class DiscoveryState(Value, frozen=True, gc=False):
    """A rule: whether it was ``asked``, and what came of that is in force; whether the last read succeeded; what is known.

    ``sites`` are those that are known and wanted, up to the most that are watched; ``last_success`` is a moment of
    :meth:`~exporter.clock.Clock.steady`, ``None`` before the first.
    """

    name: str
    asked: bool = False
    up: bool = False
    sites: int = 0
    last_success: float | None = None
