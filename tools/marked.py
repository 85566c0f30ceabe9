"""The part of a document that a tool writes, between two marks."""

from __future__ import annotations


def put(page: str, begin: str, end: str, text: str) -> str:
    """Return ``page`` with ``text``, which ends with a line break, between the lines ``begin`` and ``end``.

    Raises :class:`ValueError` when the page has no such lines.
    """
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"the page has no marks: {begin}{end}")
    return f"{before}{begin}\n{text}\n{end}{after}"
