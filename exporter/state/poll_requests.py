"""Requests to poll a collector now: the words in which the scheduler answers them and the web tells it."""

from __future__ import annotations

from enum import Enum, auto

from exporter.model import CollectorName, Value


class PollAnswer(Enum):
    """The answer to a request that a collector be polled now."""

    NOW = auto()
    """Its next poll begins now, as soon as this machine can."""
    POLLING = auto()
    """A poll of it is under way, and there is never a second one beside it."""
    WAITS = auto()
    """The platform asked us to wait: it is polled when that ends."""
    TOO_SOON = auto()
    """Its target was asked in this way a moment ago; nothing changes."""


class PollRequest(Value, frozen=True, gc=False):
    """The answer for one collector; ``seconds`` is how long until its poll, or until it may be requested again."""

    collector: CollectorName
    answer: PollAnswer
    seconds: float = 0.0
