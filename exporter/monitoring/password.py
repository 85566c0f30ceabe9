"""The password by which Prometheus, Alertmanager and Grafana of one bundle know each other, and nobody else's page gets in.

Both servers answer any page of any origin and have no login of their own; what they have is the exporter-toolkit's
``--web.config.file``. So that nothing has to be configured, the password is made where it is needed, at the first start.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

import bcrypt

from exporter.monitoring.writing import write

USER: Final = "monitoring"
FOLDER: Final = "/run/monitoring"
"""Where compose.yaml mounts the files into each server."""

_BYTES: Final = 32
_COST: Final = 10  # as the toolkit's documents advise; each server remembers a password that was right
# The servers run as users of their own, and only they have the folder.
_MODE: Final = 0o644


def make_password(folder: Path) -> list[Path]:
    """Write a random ``password`` and the ``web.yml`` that asks for it, and return both paths.

    A folder that has both keeps them, and nothing is returned: the servers that run know no other. Raises
    :class:`~exporter.errors.BookingSyncError` when the folder cannot be written.
    """
    password, web = folder / "password", folder / "web.yml"
    if web.is_file() and password.is_file() and password.stat().st_size:
        return []
    made = secrets.token_hex(_BYTES)  # letters and digits alone: Grafana expands $ in what it reads
    hashed = bcrypt.hashpw(made.encode(), bcrypt.gensalt(_COST)).decode()
    # The password comes last, under another name at first: where it is, the other file is whole.
    _write(web, f"basic_auth_users:\n  {USER}: {hashed}\n")
    _write(password.with_suffix(".new"), made)
    password.with_suffix(".new").replace(password)
    return [password, web]


def _write(path: Path, text: str) -> None:
    write(path, text)
    path.chmod(_MODE)  # whatever the umask is
