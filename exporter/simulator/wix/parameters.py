"""Reading what a request asks for, with the 400 that Wix answers when it cannot be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from exporter.simulator.platform import Call
from exporter.simulator.wix.errors import Violation, body_object, validation_error
from exporter.support.json_text import UNREADABLE

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_guid(value: object) -> bool:
    """Return whether ``value`` is the text of a GUID."""
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


def guids(call: Call, name: str, max_values: int | None = None) -> frozenset[str]:
    """Return the values of a repeated key. ``name[]`` is another key and is ignored; a comma does not separate."""
    values = [value for key, value in call.query_pairs() if key == name]
    for value in values:
        if not is_guid(value):
            raise validation_error(Violation(name, "is not a valid GUID"))
    if max_values is not None and len(values) > max_values:
        raise validation_error(Violation(name, f"has more than {max_values} values", "MAX"))
    return frozenset(value.lower() for value in values)


def flag(call: Call, name: str) -> bool | None:
    """Return a boolean of the query, ``None`` when it is not there; only ``true`` and ``false`` will do."""
    value = dict(call.query_pairs()).get(name)
    if value not in {None, "true", "false"}:
        raise validation_error(Violation(name, "must be true or false"))
    return None if value is None else value == "true"


def body(call: Call) -> Mapping[str, object]:
    """Return the body, which must be a JSON object or nothing at all."""
    try:
        return body_object(msgspec.json.decode(call.body or b"{}"))
    except UNREADABLE as error:
        raise validation_error(Violation("body", "is not valid JSON")) from error
