"""Remembers since when a connection has its present status, across restarts when a state file is configured."""

from __future__ import annotations

from typing import Protocol


class SinceStore(Protocol):
    """When each connection took its present status."""

    def since(self, target: str, connection: str, status: str, now: float) -> float:
        """Return the Unix seconds at which ``connection`` (hash) of ``target`` was first seen in ``status``; ``now`` if new."""
        ...

    def keep_only(self, target: str, connections: frozenset[str]) -> None:
        """Forget connections of ``target`` that a complete answer no longer lists."""
        ...
