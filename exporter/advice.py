"""The human fix for every state and every failure, written once; probe, status board, API and runbooks quote it."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason, PlatformName


@dataclass(frozen=True, slots=True)
class Advice:
    """``meaning`` says what is the case in one sentence, ``fix`` who has to do what; empty when nothing has to be done."""

    meaning: str
    fix: str


def for_connection(status: ConnectionStatus, error_reason: ErrorReason | None) -> Advice:
    """Return what a connection's state means and its fix."""
    raise NotImplementedError


def for_failure(reason: Reason, platform: PlatformName) -> Advice:
    """Return what a failed poll means and its fix."""
    raise NotImplementedError
