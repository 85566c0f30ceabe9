"""The kinds of values that a configuration is made of: how each is read, what is wrong with a bad one, and its schema.

Every reader accepts text as it stands in YAML and also the finished value, so that code and tests can build settings
directly. A value that may hold a credential never enters a message.
"""

from __future__ import annotations

import ipaddress
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from exporter.durations import PATTERN as DURATION_PATTERN
from exporter.durations import parse_duration
from exporter.redaction import redact
from exporter.secret import Secret
from exporter.windows import WindowError, parse

_SECRET_FILE_BYTES: Final = 64 * 1024
_SHOWN: Final = 60
_LONG_NAME: Final = 40


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


def _text(value: object, example: str) -> str:
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
    text = _text(value, "30s, 5m or 1h30m")
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
    name = _text(value, "Europe/Berlin")
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown; a folder of zones; ../ and other forms that are no key
        raise bad(f"{shown(name)} is not an IANA time zone", "write it like Europe/Berlin or UTC") from None


Zone = Annotated[ZoneInfo, PlainValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin", "UTC"]})]


def _expression(value: object) -> str:
    text = _text(value, "now+24h")
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
        text = _text(value, example)
        if not wanted.fullmatch(text):
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
    text = _text(value, "site")
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
    text = _text(value, "berlin")
    if len(text) > 200 or any(ord(letter) < ord(" ") for letter in text):  # noqa: PLR2004  a label is read by people
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
    text = _text(value, "CONFIRMED")
    if text in WIX_STATUSES:
        return text
    upper = {"CANCELLED": "CANCELED", "WAITLIST": "WAITING_LIST"}.get(text.upper(), text.upper())
    fix = f"write {upper}" if upper in WIX_STATUSES else f"use some of {', '.join(WIX_STATUSES)}"
    raise bad(f"{shown(text)} is not a status of Wix bookings", fix)


WixStatus = Annotated[str, PlainValidator(_wix_status), WithJsonSchema({"enum": list(WIX_STATUSES)})]


def _path(value: object, info: ValidationInfo) -> Path:
    path = value if isinstance(value, Path) else Path(_text(value, "/var/lib/booking-sync-exporter/file.json"))
    if path == Path():
        raise bad("is empty", "give the path of a file")
    return info.context.directory / path if isinstance(info.context, Reading) else path


FilePath = Annotated[Path, PlainValidator(_path), WithJsonSchema({"type": "string", "minLength": 1})]


# Credentials.


def _secret_text(value: object, info: ValidationInfo) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    reading = info.context if isinstance(info.context, Reading) else None
    if isinstance(value, Mapping):
        if len(value) != 1 or not set(value) <= {"file", "env"}:
            raise bad("needs exactly one of the keys file and env", "write {file: /path} or {env: NAME}")
        ((source, name),) = value.items()
        text = _secret_file(name, reading) if source == "file" else _secret_variable(name, reading)
    elif isinstance(value, str):
        text = value
        if not text.strip():
            raise bad("is empty", "write the value, {file: /path} or {env: NAME}")
        if re.fullmatch(r"\s*\$\{?[A-Za-z_][A-Za-z0-9_]*\}?\s*", text):
            raise bad("names a shell variable; variables are not expanded in this file", "write {env: NAME}")
    elif value is None:
        raise bad("is empty", "write the value, {file: /path} or {env: NAME}")
    else:
        raise bad(f"must be text, not {kind(value)}", "put the value in quotes, or write {file: /path} or {env: NAME}")
    if not all("!" <= letter <= "~" for letter in "".join(text.split())):
        raise bad("holds a character that no credential has", "copy it again, as plain text")
    return text


def _secret_file(name: object, reading: Reading | None) -> str:
    if not isinstance(name, str) or not name:
        raise bad("file must be the path of a file", "write {file: /run/secrets/name}")
    path = (reading.directory if reading else Path()) / name
    if reading:
        reading.files.append(path)
    # A credential put here by mistake must not be shown as a missing file.
    where = redact(str(path)) if "/" in name or len(name) < _LONG_NAME else "the named file"
    try:
        # A pipe or a device would block or never end.
        is_file = stat.S_ISREG(path.stat().st_mode)
        content = b""
        if is_file:
            with path.open("rb") as file:
                content = file.read(_SECRET_FILE_BYTES + 1)
    except FileNotFoundError:
        raise bad(f"{where} does not exist", "create it, or correct the path; it is relative to this file") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise bad(f"{where} cannot be read: {why}", "let the user of the exporter read it") from None
    if not is_file:
        raise bad(f"{where} is not a file", "name a regular file")
    if len(content) > _SECRET_FILE_BYTES:
        raise bad(f"{where} is too large for a credential", "put nothing else in that file")
    if not content.strip():
        raise bad(f"{where} is empty", "write the credential into it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise bad(f"{where} is not text", "write the credential into it as plain text") from None


def _secret_variable(name: object, reading: Reading | None) -> str:
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        # Not shown: who puts the credential itself here must not find it in the log.
        raise bad("env must be the name of an environment variable", "write {env: NAME}, with letters, digits and _")
    environ = reading.environ if reading else {}
    # The same: only what is clearly a name is shown.
    which = (
        f"the environment variable {name}" if name.isupper() and len(name) < _LONG_NAME else "the named environment variable"
    )
    if name not in environ:
        raise bad(f"{which} is not set", "set it for the process of the exporter")
    if not environ[name].strip():
        raise bad(f"{which} is empty", "give it a value")
    return environ[name]


def _secret(value: object, info: ValidationInfo) -> Secret:
    return Secret(_secret_text(value, info))


def _api_key(value: object, info: ValidationInfo) -> Secret:
    text = _secret_text(value, info).strip()
    if text.lower().startswith(("bearer ", "basic ")):
        raise bad(f"starts with {text.split()[0]}", "leave that word out: Wix wants the raw key")
    if text[0] in "\"'":
        raise bad("has quotes inside the value", "remove the quotes: Wix wants the raw key")
    return Secret(text)


def _webhook(value: object, info: ValidationInfo) -> Secret:
    text = _secret_text(value, info)
    return Secret(_webhook_url("".join(text.split())))


SECRET_FORMS: Final = [
    {"type": "string", "minLength": 1, "title": "value", "description": "The credential itself."},
    {
        "type": "object",
        "title": "file",
        "description": "A file that holds it; a relative path starts at the folder of this configuration.",
        "properties": {"file": {"type": "string", "minLength": 1}},
        "required": ["file"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "title": "env",
        "description": "An environment variable that holds it.",
        "properties": {"env": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}},
        "required": ["env"],
        "additionalProperties": False,
    },
]
_SECRET_SCHEMA: Final = WithJsonSchema({"oneOf": SECRET_FORMS})

SecretValue = Annotated[Secret, PlainValidator(_secret), _SECRET_SCHEMA]
ApiKey = Annotated[Secret, PlainValidator(_api_key), _SECRET_SCHEMA]
WebhookUrl = Annotated[Secret, PlainValidator(_webhook), _SECRET_SCHEMA]


# URLs. None of these messages shows the URL, because a credential may stand in any part of it.

_WEBHOOK_FORM: Final = "https://<portal>/rest/<user id>/<code>/"


def _split(url: str, form: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise bad("is not a URL", f"write it like {form}") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or not re.fullmatch(r"[A-Za-z0-9.:_-]+", parts.hostname):
        raise bad("is not a URL", f"write it like {form}")
    if parts.username is not None or parts.password is not None:
        raise bad("holds a user name or password", "remove everything before the @, and the @")
    if port == 0:
        raise bad("has port 0", "remove the port or correct it")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise bad("uses http to another machine, which shows the credential to everybody on the way", "write https://")
    if parts.query or parts.fragment:
        raise bad("has a ? or # part", f"write it like {form}")
    return parts


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is this machine by definition, without asking a resolver."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(value: object) -> str:
    text = _text(value, "https://portal.example")
    parts = _split(text, "https://host or https://host:port")
    if parts.path not in ("", "/"):
        raise bad("has a path", "write only https://host or https://host:port; the exporter knows the paths")
    return f"{parts.scheme}://{parts.netloc.lower()}"


Origin = Annotated[
    str,
    PlainValidator(_origin),
    WithJsonSchema({"type": "string", "pattern": "^https?://[^/?#@\\s]+/?$", "examples": ["https://portal.example"]}),
]


def _webhook_url(url: str) -> str:
    parts = _split(url, _WEBHOOK_FORM)
    path = parts.path
    if "//" in path:
        raise bad("has a double slash in its path", f"write it like {_WEBHOOK_FORM}")
    if path.startswith("/rest/api/"):
        raise bad("is the address of REST 3 (/rest/api/), which knows no bookings", f"write it like {_WEBHOOK_FORM}")
    segments = path.removeprefix("/rest/").removesuffix("/").split("/")
    if not path.startswith("/rest/") or not segments[0]:
        raise bad("is not the address of an incoming webhook", f"write it like {_WEBHOOK_FORM}")
    if not segments[0].isdigit() or not segments[0].isascii():
        raise bad("has no user id after /rest/", f"copy the whole address of the webhook: {_WEBHOOK_FORM}")
    if len(segments) == 1:
        raise bad("has no code after the user id", f"copy the whole address of the webhook: {_WEBHOOK_FORM}")
    if len(segments) > 2:  # noqa: PLR2004  user id and code
        raise bad("goes on after the code", f"remove the method name: {_WEBHOOK_FORM}")
    if not re.fullmatch("[A-Za-z0-9_-]+", segments[1]):
        raise bad("has a code with characters that no code has", f"copy the whole address of the webhook: {_WEBHOOK_FORM}")
    return f"{parts.scheme}://{parts.netloc.lower()}/rest/{segments[0]}/{segments[1]}/"
