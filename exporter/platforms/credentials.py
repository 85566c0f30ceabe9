"""What a credential is to a platform's client, whichever kind it is."""

from __future__ import annotations

from typing import Protocol, TypeVar

from exporter.errors import PollError

A = TypeVar("A")


class Credential(Protocol[A]):
    """What signs requests; ``A`` is all that one request needs of it."""

    async def access(self) -> A:
        """Return what the next request uses. Raises :class:`~exporter.errors.PollError` when there is nothing that works."""
        ...

    async def renew(self, spent: A) -> bool:
        """Replace ``spent``, which the platform refused. Returns whether there is another now."""
        ...

    def degraded_reason(self) -> PollError | None:
        """Return what an operator has to mend although requests still work."""
        return None

    async def aclose(self) -> None:
        """Let work that must not be lost come to its end."""
        return
