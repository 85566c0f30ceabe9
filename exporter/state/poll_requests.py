"""What becomes of the wish that a collector be polled now: the words in which the scheduler answers and the web tells it."""

from __future__ import annotations

from enum import Enum, auto

from exporter.model import CollectorName, Value


class PollAnswer(Enum):
    """What happens to a collector that somebody wants to be polled now."""

    NOW = auto()
    """Its next poll begins now, as soon as this machine can."""
    POLLING = auto()
    """A poll of it is under way, and there is never a second one beside it."""
    WAITS = auto()
    """The platform asked us to wait: it is polled when that ends."""
    TOO_SOON = auto()
    """Its target was asked in this way a moment ago; nothing changes."""


class PollRequest(Value, frozen=True, gc=False):
    """What happens to one collector, and in how many ``seconds``: until its poll, or until one may ask again."""

    collector: CollectorName
    answer: PollAnswer
    seconds: float = 0.0
