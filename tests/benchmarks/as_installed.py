"""Child processes that start as an installed program does: with bytecode, which pip makes and a checkout may not have."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def environ(folder: Path) -> dict[str, str]:
    """Return the environment of a process that keeps its bytecode in ``folder``; the first one fills it."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
