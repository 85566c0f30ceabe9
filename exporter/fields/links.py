"""Addresses that become links for people, and the names that dashboards have in them.

A flag and a key of a file say the same about one that cannot be used.
"""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import PlainValidator, WithJsonSchema

from exporter.fields.kinds import field_error, named, seen, text_of

A_USER: Final = "a user or a password"
MAX_UID_PREFIX: Final = 30
"""Grafana takes uids of 40 letters, and the longest of ours ends with ten of its own."""


def secret_part(url: str) -> str | None:
    """Return what of an address may be a secret, and has no place in a file that others may read; ``None`` for nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return A_USER if "@" in url else None
    if "@" in parts.netloc:
        return A_USER
    return "a query, which may be a secret" if parts.query or parts.fragment else None


def address_problem(url: str) -> tuple[str, str] | None:
    """Return what is wrong with the base of links, and the fix; ``None`` when it can be used."""
    # The URLs go into Go templates and query strings: no braces, no quotes, no query of their own.
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises for one that is no number
    except ValueError:
        parts = None
    usable = (
        parts is not None
        and parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and parts.port != 0
        and not secret_part(url)
        and not any(character in url for character in "{}\"'` \n\\$")
    )
    # Never shown: it may hold a password. A host with a port, as flags have it, holds none.
    if usable:
        return None
    if re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]{1,5}", url):
        return "is not an http(s) address: it has no scheme", "write http:// or https:// in front of it"
    return "is not an http(s) address, or holds a query or a password", "write https://host/path, without a query"


def _address(value: object) -> str:
    url = seen(text_of(value, "https://sync.example.org", any_text=False))
    if trouble := address_problem(url):
        raise field_error(*trouble)
    return url


Address = Annotated[str, PlainValidator(_address), WithJsonSchema({"type": "string", "pattern": "^https?://[^{}\"'` $?#]+$"})]
UidPrefix = Annotated[
    str,
    *named(
        rf"[A-Za-z0-9_-]{{1,{MAX_UID_PREFIX}}}",
        f"a prefix of uids: at most {MAX_UID_PREFIX} letters, digits, - and _",
        "salons",
    ),
]
