"""Writes or removes a file of the bundle, or says in one line why it cannot be."""

from __future__ import annotations

from pathlib import Path

from exporter.errors import BookingSyncError


def write(path: Path, text: str) -> None:
    """Write a file, its folders as well. Raises :class:`~exporter.errors.BookingSyncError`, which names it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BookingSyncError(f"cannot write {path}: {error.strerror}; give --out a folder that can be written") from None


def remove(path: Path) -> None:
    """Remove a file that may be gone. Raises :class:`~exporter.errors.BookingSyncError`, which names it."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise BookingSyncError(f"cannot remove {path}: {error.strerror}; remove it yourself") from None
