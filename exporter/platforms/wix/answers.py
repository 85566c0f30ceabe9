"""What the readers of Wix answers share.

Rows are decoded one by one, because one odd row must not cost the others. Only the fields that a struct names are ever built:
e-mails, names and phones are skipped by the decoder and exist nowhere after it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any, Final, TypeVar

import msgspec

from exporter.limits import NAME, ROW_BODY
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.api_errors import invalid
from exporter.platforms.wix.endpoints import Endpoint
from exporter.support.json_text import decoded, is_whole

HASH_LENGTH: Final = 12
_ID: Final = re.compile(rf"[!-~]{{1,{NAME.number}}}")

T = TypeVar("T")


class _Cursors(msgspec.Struct, gc=False):
    next: str | None = None


class Paging(msgspec.Struct, rename="camel", gc=False):
    """What a page says of those behind it."""

    cursors: _Cursors | None = None
    has_next: Any = None


def short_hash(text: str) -> str:
    """Return the first 12 hex digits of SHA-256, the label value that stands for an opaque id."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]


_KEY: Final = secrets.token_bytes(16)


def private_hash(text: str) -> bytes:
    """Return a hash of personal data that tells equal ones apart within this process, and nothing outside of it."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=_KEY).digest()


def plain_id(text: str) -> str:
    """Return an id as it came, or its hash when it is longer or odder than any that Wix gives: it becomes a label."""
    return text if _ID.fullmatch(text) else short_hash(text)


def short_id(text: str) -> str:
    """Return an id or a word, or its hash when it is longer than any: very many of them are kept."""
    return text if len(text) <= NAME.number else short_hash(text)


def decode(answer: Answer, endpoint: Endpoint, kind: type[T], what: str) -> T:
    """Return the body as ``kind``. Raises :class:`~exporter.errors.InvalidResponseError` that calls the body ``what``."""
    body = decoded(answer.body, kind)
    if body is None:
        raise invalid(answer, endpoint, what)
    return body


def row(item: msgspec.Raw, kind: type[T]) -> T | None:
    """Return one row as ``kind``; ``None`` when it is something else, cannot be read, or is longer than any row is."""
    return decoded(item, kind) if memoryview(item).nbytes <= ROW_BODY.number else None


def next_cursor(answer: Answer, endpoint: Endpoint, paging: Paging | None, *, rows: int, full: int, what: str) -> str:
    """Return the cursor of the page behind one with so many ``rows``, of ``full`` at most; empty on the last.

    Raises :class:`~exporter.errors.InvalidResponseError`, of a page of ``what``, when it cannot be told which of the two it is.
    """
    cursor = (paging.cursors.next if paging and paging.cursors else None) or ""
    if not is_whole(cursor) or (not cursor and (rows >= full if paging is None else paging.has_next is True)):
        raise invalid(answer, endpoint, f"a page of {what} that does not tell how to go on")
    # An empty page is the last one, unless it says that it is not.
    ends = paging is None or paging.has_next is False or (not rows and paging.has_next is not True)
    return "" if ends else cursor
