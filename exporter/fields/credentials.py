"""How credentials and addresses are read. No message about them shows them: a credential may stand in any part of a URL."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from exporter.fields.kinds import Reading, bad, kind, text_of
from exporter.support.redaction import redact
from exporter.support.secret import Secret

_SECRET_FILE_BYTES: Final = 64 * 1024
_LONG_NAME: Final = 40
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


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
    """Return whether ``host`` is this machine for everybody on the way.

    Exactly the three names that also bypass a proxy of the environment: ``x.localhost`` goes to DNS on some systems, and
    127.0.0.2 to ``HTTP_PROXY``, each with the credential in clear text.
    """
    return host.lower() in _LOOPBACK


def _origin(value: object) -> str:
    text = text_of(value, "https://portal.example")
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
