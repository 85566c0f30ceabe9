"""How credentials and addresses are read. No message about them shows them: a credential may stand in any part of a URL."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from exporter.fields.files import read_named_file
from exporter.fields.kinds import Reading, field_error, field_errors, kind, text_of
from exporter.support.close_matches import close_match
from exporter.support.files import shown_path
from exporter.support.net import ascii_host, is_confidential, join_address
from exporter.support.redaction import is_plain_text, sanitized_place
from exporter.support.secret import Secret, is_quoted, pasted

_MAX_LABEL: Final = 60  # of a host
_SECRET_FILE_BYTES: Final = 64 * 1024
_REMOVE_QUOTES: Final = {
    "env": "remove them where the variable is set; docker run --env-file keeps quotes",
    "file": "remove them from the file",
    "": "write the value in one pair of quotes, or in none",
}


# What stands where a credential should, because something else was to put it there, or a blank is missing.
_UNFILLED: Final = (
    (r"\$\{?[A-Za-z_]\w*\}?", "names a shell variable; variables are not expanded in this file", "write {env: NAME}"),
    (r"%[A-Za-z_]\w*%", "names a variable of Windows; variables are not expanded in this file", "write {env: NAME}"),
    (r"\{\{.*\}\}|<[\w .-]+>", "is a placeholder that was not filled in", "fill it in, or write {file: /path} or {env: NAME}"),
    (
        r"(?:env|file):.*",
        "is text that only looks like {env: NAME} or {file: /path}",
        "write {env: NAME} or {file: /path}, with a blank after the colon",
    ),
)


def secret_text(value: object, info: ValidationInfo, form: str = "{}") -> str:
    """Return the credential that ``value`` is or names: the text itself, ``{file: PATH}`` or ``{env: NAME}``.

    Where secrets are not opened, it is the place that is named, made a part of a host, in the ``form`` that passes for one.
    What is not ASCII in it is for the caller to judge (:func:`plain_ascii`): the host of an address may be international.
    Raises :func:`~exporter.fields.kinds.field_error` for a value of another form or a source that cannot be read.
    """
    if isinstance(value, Secret):
        return value.reveal()
    reading = info.context if isinstance(info.context, Reading) else None
    source = ""
    if isinstance(value, Mapping):
        if len(value) != 1 or not set(value) <= {"file", "env"}:
            has_no_blank = any(str(key).startswith(("env:", "file:")) for key in value)
            like = "write {file: /path} or {env: NAME}" + (", with a blank after the colon" if has_no_blank else "")
            raise field_error("needs exactly one of the keys file and env", like)
        ((source, name),) = value.items()
        if reading is not None:
            reading.outside.append(source_of(value))
        read = _secret_file if source == "file" else _secret_variable
        if (text := read(name, reading)) is None:
            return form.format(_unopened(source_of(value), reading))
    elif isinstance(value, str):
        text = _written_out(value, reading)
    elif value is None:
        raise field_error("is empty", "write the value, {file: /path} or {env: NAME}")
    else:
        raise field_error(f"must be text, not {kind(value)}", "put the value in quotes, or write {file: /path} or {env: NAME}")
    if reading is not None:
        reading.secrets.append(pasted(text))
    if is_quoted(text):
        raise field_error("has quotes inside the value", _REMOVE_QUOTES[source])
    return text


def _unopened(source: str, reading: Reading | None) -> str:
    if reading is not None:
        reading.unopened.append(source)
    words = re.sub("[^a-z0-9]+", "-", sanitized_place(source.partition(": ")[2]).lower())
    return words[-_MAX_LABEL:].strip("-") or "unnamed"


def _written_out(text: str, reading: Reading | None) -> str:
    if not text.strip():
        raise field_error("is empty", "write the value, {file: /path} or {env: NAME}")
    for pattern, what, fix in _UNFILLED:
        if re.fullmatch(pattern, text.strip(), re.ASCII):
            raise field_error(what, fix)
    if reading and reading.file:
        reading.private.append(reading.file)
    return text


def source_of(value: object) -> str:
    """Return where the credential ``value`` comes from, as the ``identity`` of its :class:`Secret`: nothing of its text."""
    if isinstance(value, Secret):
        return value.identity
    return " ".join(f"{source}: {name}" for source, name in value.items()) if isinstance(value, Mapping) else ""


def shown_source(source: str, target: str) -> str:
    """Return what :func:`source_of` said of a credential of ``target``, for people: path, variable or ``inline:TARGET``."""
    name = source.partition(": ")[2]
    return sanitized_place(name) if name else f"inline:{target}"


def plain_ascii(text: str, where: str = "") -> str:
    """Return ``text`` when it is plain ASCII as every credential, else raise which character is not.

    The one character is shown: it is none of the credential's. ``where`` says in which part of the value it stands.
    Raises :func:`~exporter.fields.kinds.field_error`.
    """
    for letter in "".join(text.split()):
        if not "!" <= letter <= "~":
            name = unicodedata.name(letter, f"U+{ord(letter):04X}")
            raise field_error(f"holds {name}{where}, but a credential is plain ASCII", "copy it again, as plain text")
    return text


def _secret_file(name: object, reading: Reading | None) -> str | None:
    if not isinstance(name, str) or not name:
        raise field_error("file must be the path of a file", "write {file: /run/secrets/name}")
    if reading and not reading.opens_secrets:
        return None
    path = (reading.directory if reading else Path()) / name
    if reading:
        reading.files.append(path)
        reading.private.append(path)
        if path in reading.opened:
            return reading.opened[path]
    where = shown_path(path, name)
    fixes = {"absent": "create it, or correct the path; it is relative to this file", "wanted": "name a regular file"}
    content = read_named_file(path, where, _SECRET_FILE_BYTES, **fixes, holds="a credential")
    if not content.strip():
        raise field_error(f"{where} is empty", "write the credential into it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise field_error(f"{where} is not text", "write the credential into it as plain text") from None
    if reading:
        reading.opened[path] = text
    return text


def _secret_variable(name: object, reading: Reading | None) -> str | None:
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        # Not shown: who puts the credential itself here must not find it in the log.
        raise field_error("env must be the name of an environment variable", "write {env: NAME}, with letters, digits and _")
    if reading and not reading.opens_secrets:
        return None
    environ = reading.environ if reading else {}
    # The same: only what is clearly a name is shown.
    which = f"the environment variable {name}" if name.isupper() and is_plain_text(name) else "the named environment variable"
    if name not in environ:
        near = close_match(name, sorted(environ)) if name.isupper() and is_plain_text(name) else None
        raise field_error(f"{which} is not set", f"did you mean {near}?" if near else "set it for the process of the exporter")
    if not environ[name].strip():
        raise field_error(f"{which} is empty", "give it a value")
    return environ[name]


def _secret(value: object, info: ValidationInfo) -> Secret:
    return Secret(pasted(plain_ascii(secret_text(value, info))), source_of(value))


SECRET_FORMS: Final = [
    {"type": "string", "minLength": 1, "title": "value", "description": "Value of the credential."},
    {
        "type": "object",
        "title": "file",
        "description": "File with the credential; a relative path starts at the folder of this configuration.",
        "properties": {"file": {"type": "string", "minLength": 1}},
        "required": ["file"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "title": "env",
        "description": "Environment variable with the credential.",
        "properties": {"env": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}},
        "required": ["env"],
        "additionalProperties": False,
    },
]
SECRET_SCHEMA: Final = WithJsonSchema({"oneOf": SECRET_FORMS})

SecretValue = Annotated[Secret, PlainValidator(_secret), SECRET_SCHEMA]


# URLs. None of these messages shows the URL, because a credential may stand in any part of it.


def split_url(url: str, form: str) -> tuple[SplitResult, list[tuple[str, str]]]:
    """Return the parts of an address, its host in ASCII, and why no credential may be sent there.

    Each reason comes with its fix, for :func:`~exporter.fields.kinds.field_errors`; ``form`` shows what is wanted. What has no
    parts at all is raised.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise field_error("is not a URL", f"write it like {form}") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise field_error("is not a URL", f"write it like {form}")
    host = host_of(parts.hostname, "a URL", form)
    wrong = []
    if parts.username is not None or parts.password is not None:
        wrong.append(("holds a user name or password", "remove what stands between :// and the @, and the @"))
    if port == 0:
        wrong.append(("has port 0", "remove the port or correct it"))
    if not is_confidential(parts.scheme, host):
        what = "uses http to another machine, so the credential would be sent unencrypted"
        wrong.append((what, "write https://"))
    if parts.query or parts.fragment:
        wrong.append(("has a ? or # part", f"write it like {form}"))
    return parts._replace(netloc=join_address(host, port)), wrong


def host_of(name: str, what: str, form: str) -> str:
    """Return the host of an address as it is looked up: an international name in punycode. ``what`` the address shall be.

    Raises :func:`~exporter.fields.kinds.field_error` for what no name server could look up.
    """
    try:
        host = ascii_host(name)
    except ValueError:
        fix = "correct it, or write it in punycode (xn--…) as its registrar shows it"
        raise field_error("has a host name that is not valid", fix) from None
    if not re.fullmatch(r"[a-z0-9.:_-]+", host):
        raise field_error(f"is not {what}", f"write it like {form}")
    return host


def _origin(value: object) -> str:
    text = text_of(value, "https://portal.example")
    parts, wrong = split_url(text, "https://host or https://host:port")
    if parts.path not in ("", "/"):
        wrong.append(("has a path", "write only https://host or https://host:port; the exporter knows the paths"))
    if wrong:
        raise field_errors(wrong)
    return f"{parts.scheme}://{parts.netloc}"


Origin = Annotated[
    str,
    PlainValidator(_origin),
    WithJsonSchema({"type": "string", "pattern": "^https?://[^/?#@\\s]+/?$", "examples": ["https://portal.example"]}),
]
