"""What a path below ``/rest/`` names, and the parameters of a call (bitrix24.md section 1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from exporter.simulator.bitrix24 import phpquery
from exporter.simulator.platform import Call


@dataclass(frozen=True, slots=True)
class Address:
    """``method`` in lower case without suffix; ``user_id`` is ``None`` in the OAuth form; ``malformed`` is the error."""

    method: str
    user_id: str | None = None
    code: str = ""
    malformed: tuple[str, str, int] | None = None


def locate(path: str) -> Address:
    """Read ``/rest/{user_id}/{code}/{method}`` or ``/rest/{method}``."""
    if path.startswith("//"):
        return Address("", malformed=("NO_AUTH_FOUND", "Wrong authorization data", 401))
    parts = [part for part in path.removeprefix("/rest/").split("/") if part]
    match parts:
        case [method]:
            return Address(_name(method))
        case [user_id, code, method] if user_id.isascii() and user_id.isdigit():
            return Address(_name(method), user_id, code)
        case [first, *_]:
            # Without the user id the code is taken for the beginning of a method's name: a misleading answer, but theirs.
            return Address("", code=first, malformed=("ERROR_METHOD_NOT_FOUND", "Method not found!", 404))
        case _:
            return Address("", malformed=("ERROR_METHOD_NOT_FOUND", "Method not found!", 404))


def read_params(call: Call) -> dict[str, object]:
    """Return the parameters of query and body; the body wins. A body that cannot be read counts as none."""
    params = phpquery.parse(call.query)
    if not call.body:
        return params
    if call.content_type == "application/json":
        try:
            body = json.loads(call.body)
        except (ValueError, RecursionError):
            return params
        return params | {str(key): value for key, value in body.items()} if isinstance(body, Mapping) else params
    return params | phpquery.parse(call.body.decode(errors="replace"))


def _name(method: str) -> str:
    return method.lower().removesuffix(".json")
