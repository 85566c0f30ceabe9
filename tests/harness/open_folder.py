"""A folder that other users may get to; those of pytest are closed."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def open_folder(mode: int = 0o755) -> Iterator[Path]:
    """Make a folder with ``mode`` while the block runs."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(mode)
        yield Path(name)
