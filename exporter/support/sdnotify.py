"""Tells systemd how we are (sd_notify(3)): READY, RELOADING, STOPPING, WATCHDOG. Silent without ``NOTIFY_SOCKET``."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping


def notify(state: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send ``state`` (``READY=1``) to the service manager. Returns whether it was sent; a lost socket is no error."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.connect(address)
            channel.sendall(state.encode())
    except OSError:
        return False
    return True


def reloading(environ: Mapping[str, str] = os.environ) -> bool:
    """Say that a reload begins, and when, without which a unit of ``Type=notify-reload`` counts it as failed."""
    return notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}", environ)


def watchdog_seconds(environ: Mapping[str, str] = os.environ) -> float | None:
    """Return how often (seconds) to send ``WATCHDOG=1``: half of what systemd allows; ``None`` when it does not ask."""
    allowed = environ.get("WATCHDOG_USEC", "")
    if not allowed.isdigit() or int(allowed) == 0 or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(allowed) / 2_000_000
