"""The kinds of values that a configuration is made of: how each is read, what is wrong with a bad one, and its schema.

Every reader accepts text as it stands in YAML and also the finished value, so that code and tests can build settings
directly. Credentials and addresses are in :mod:`exporter.fields.credentials`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from exporter.counting.windows import WindowError, parse
from exporter.fields.durations import PATTERN as DURATION_PATTERN
from exporter.fields.durations import parse_duration
from exporter.support.redaction import is_steering, redact

_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader may use of the outside world; ``files`` collects every secret file that was read or looked for."""

    directory: Path
    environ: Mapping[str, str]
    files: list[Path] = field(default_factory=list)


def bad(message: str, fix: str) -> PydanticCustomError:
    """Return the error for a value that cannot be used. Neither text may hold a credential."""
    # Without a template in the message, so that braces in it mean nothing.
    return PydanticCustomError("config", "{message}", {"message": message, "fix": fix})


def shown(value: object) -> str:
    """Return ``value`` as it may stand in a message: short, and without what looks like a credential."""
    text = repr(redact(str(value)))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…'"


_KINDS: Final = (
    (type(None), "nothing"),
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number with a fraction"),
    (str, "text"),
    (Mapping, "a mapping"),
    (list, "a list"),
    (date, "a date"),
)


def kind(value: object) -> str:
    """Return what a YAML value is, in words."""
    return next((words for type_, words in _KINDS if isinstance(value, type_)), "something else")


def text_of(value: object, example: str) -> str:
    """Return ``value`` when it is text, else raise what is wrong with it; ``example`` shows what is wanted."""
    if isinstance(value, str):
        return value
    if value is None:
        raise bad("is empty", f"give a value such as {example}, or remove the key")
    fix = f"write text such as {example}" if isinstance(value, (list, Mapping)) else "put it in quotes"
    raise bad(f"must be text, not {kind(value)}", fix)


# Durations, times and windows.


def _duration(value: object, info: ValidationInfo) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if info.context is not None:
            raise bad("has no unit", f"write {value:g}s for seconds" if value > 0 else "write it like 30s or 5m")
        return float(value)
    text = text_of(value, "30s, 5m or 1h30m")
    try:
        seconds = parse_duration(text)
    except ValueError:
        raise bad(f"{shown(text)} is not a duration", "write it like 30s, 5m or 1h30m") from None
    if seconds <= 0:
        raise bad("must be longer than 0", "write it like 30s, 5m or 1h30m")
    return seconds


Duration = Annotated[
    float,
    PlainValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "minLength": 2, "examples": ["30s", "5m", "1h30m"]}),
]


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    name = text_of(value, "Europe/Berlin")
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown; a folder of zones; ../ and other forms that are no key
        raise bad(f"{shown(name)} is not an IANA time zone", "write it like Europe/Berlin or UTC") from None


Zone = Annotated[ZoneInfo, PlainValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin", "UTC"]})]


def _expression(value: object) -> str:
    text = text_of(value, "now+24h")
    try:
        parse(text)
    except WindowError as error:
        raise bad(redact(error.problem), error.fix) from None
    return text


Expression = Annotated[
    str,
    PlainValidator(_expression),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^now(?:[+-][0-9]{0,11}[smhdwMy]|/[smhdwMy])*$",
            "examples": ["now", "now-24h", "now/d", "now+1d/d", "now/w", "now/M"],
        }
    ),
]


# Names.


def _pattern(pattern: str, what: str, example: str) -> Callable[[object], str]:
    wanted = re.compile(pattern)

    def read(value: object) -> str:
        text = text_of(value, example)
        if not wanted.fullmatch(text) or any(map(is_steering, text)):
            raise bad(f"{shown(text)} is not {what}", f"write it like {example}")
        return text

    return read


def _named(pattern: str, what: str, example: str) -> tuple[PlainValidator, WithJsonSchema]:
    schema = {"type": "string", "pattern": f"^{pattern}$", "examples": [example]}
    return PlainValidator(_pattern(pattern, what, example)), WithJsonSchema(schema)


_LINE: Final = r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,98}[^\s\x00-\x1f\x7f])?"

Name = Annotated[str, *_named(_LINE, "a name: one line of 1 to 100 characters", "salon-wix")]
WindowName = Annotated[
    str, *_named("[A-Za-z0-9_.-]{1,60}", "a window name: letters, digits, _ . - and at most 60 of them", "next_24h")
]
EnvName = Annotated[str, *_named("[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable", "WIX_API_KEY")]
Text = Annotated[str, *_named(_LINE, "one line of 1 to 100 characters", "7f1c2d3e-1111-4222-8333-444455556666")]
ReaderPrefix = Annotated[
    str, *_named("(?:/[A-Za-z0-9_-]+)+", "a path: it starts with / and does not end with one", "/_api/bookings-reader")
]

_RESERVED_LABELS: Final = ("target", "platform")


def _label_name(value: object) -> str:
    text = text_of(value, "site")
    if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", text):
        raise bad(f"{shown(text)} is not a label name", "use letters, digits and _, not a digit first, for example site")
    if text in _RESERVED_LABELS:
        raise bad(f"the label {text} is set by the exporter", "use another name")
    if text.startswith("__"):
        raise bad(f"{shown(text)} starts with __, which Prometheus keeps for itself", "use another name")
    return text


LabelName = Annotated[
    str,
    PlainValidator(_label_name),
    WithJsonSchema({"type": "string", "pattern": "^(?!__|target$|platform$)[a-zA-Z_][a-zA-Z0-9_]*$"}),
]


def _label_value(value: object) -> str:
    text = text_of(value, "berlin")
    if len(text) > 200 or any(map(is_steering, text)):  # noqa: PLR2004  a label is read by people
        raise bad("is not a label value: one line of at most 200 characters", "shorten it")
    return text


LabelValue = Annotated[str, PlainValidator(_label_value), WithJsonSchema({"type": "string", "maxLength": 200})]


def _resource_id(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if isinstance(value, str) and re.fullmatch(r"\S{1,100}", value):
        return value
    raise bad("is not a resource id", "write the id as a number or as text, for example 12")


ResourceId = Annotated[
    str,
    PlainValidator(_resource_id),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^\S{1,100}$"}]}),
]

WIX_STATUSES: Final = ("CREATED", "PENDING", "CONFIRMED", "CANCELED", "DECLINED", "WAITING_LIST", "PENDING_ECOM_CHECKOUT")


def _wix_status(value: object) -> str:
    text = text_of(value, "CONFIRMED")
    if text in WIX_STATUSES:
        return text
    upper = {"CANCELLED": "CANCELED", "WAITLIST": "WAITING_LIST"}.get(text.upper(), text.upper())
    fix = f"write {upper}" if upper in WIX_STATUSES else f"use some of {', '.join(WIX_STATUSES)}"
    raise bad(f"{shown(text)} is not a status of Wix bookings", fix)


WixStatus = Annotated[str, PlainValidator(_wix_status), WithJsonSchema({"enum": list(WIX_STATUSES)})]


def _path(value: object, info: ValidationInfo) -> Path:
    path = value if isinstance(value, Path) else Path(text_of(value, "/var/lib/booking-sync-exporter/file.json"))
    if path == Path():
        raise bad("is empty", "give the path of a file")
    return info.context.directory / path if isinstance(info.context, Reading) else path


FilePath = Annotated[Path, PlainValidator(_path), WithJsonSchema({"type": "string", "minLength": 1})]
