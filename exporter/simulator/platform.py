"""What one simulated platform is to the simulator: a thing that owns paths and answers calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, read whole. ``path`` is decoded, ``query`` is raw, ``headers`` has lower-case names."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    client: str
    host: str
    scheme: str = "http"

    @property
    def content_type(self) -> str:
        """Return the media type in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def query_pairs(self) -> list[tuple[str, str]]:
        """Return the query as decoded pairs, repeated keys and empty values kept."""
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer before a fault may spoil it."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def json_reply(value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Return ``value`` as compact UTF-8 JSON."""
    return Reply(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), JSON, headers)


def html_reply(status: int, text: str) -> Reply:
    """Return the kind of page that a proxy or a login wall shows instead of JSON."""
    page = f"<!DOCTYPE html>\n<html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>\n"
    return Reply(status, page.encode(), HTML)


@dataclass(frozen=True, slots=True)
class Description:
    """What the request log may know of a call.

    ``operation`` is the API method's documented name (``unknown`` otherwise), ``credential`` a safe id of the credential
    (see :func:`exporter.simulator.requestlog.fingerprint`), ``path`` the path without secrets, ``write`` whether the
    operation would change something at the platform. ``headers`` go on the answer, also on one that a fault gives: they
    come from the platform's edge, not from the service behind it.
    """

    operation: str
    path: str
    credential: str = ""
    write: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = ()


class Platform(Protocol):
    """One simulated platform; :class:`exporter.simulator.simulator.Simulator` holds one object of each."""

    @property
    def name(self) -> str:
        """Return the platform's name: ``wix``, ``bitrix24`` or ``calendar``."""
        ...

    def owns(self, path: str) -> bool:
        """Tell whether calls to ``path`` belong to this platform."""
        ...

    def describe(self, call: Call) -> Description:
        """Name the call for the request log and for the choice of faults; must not change anything."""
        ...

    async def answer(self, call: Call) -> Reply:
        """Do what the real service would do."""
        ...

    def advance(self) -> None:
        """Let the world catch up with the clock (new bookings arrive); called before each answer, of any platform."""
        ...

    def overview(self) -> object:
        """Return a JSON value for people who look at ``GET /_sim/``; no secrets."""
        ...

    def reset(self) -> None:
        """Forget the world and every switch."""
        ...
