"""How a target is reached: the proxy on the way, and a file of CA certificates. No message shows a proxy's password."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import unquote, urlsplit

import msgspec
from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from exporter.fields.credentials import SECRET_SCHEMA, host_of, secret_text, source_of
from exporter.fields.files import read_named_file
from exporter.fields.kinds import NAMES_A_FILE, Reading, field_error, text_of
from exporter.support.files import shown_path
from exporter.support.net import join_address
from exporter.support.redaction import redact
from exporter.support.secret import MASK, Secret, is_quoted

_PROXY_FORM: Final = "http://HOST:PORT, an IPv6 address as [::1]"
_CA_FILE_BYTES: Final = 4 * 1024 * 1024
_DER: Final = b"0\x82"  # how a certificate begins that is not in PEM form
_CERTIFICATE: Final = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----.+?-----END [A-Z0-9 ]+-----", re.DOTALL)


class Proxy(msgspec.Struct, frozen=True):
    """A proxy: its address without user and password, and the header that carries them."""

    url: str
    authorization: Secret | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """What the proxy is sent with a request to connect."""
        return {"Proxy-Authorization": self.authorization.reveal()} if self.authorization else {}

    def __str__(self) -> str:
        return self.url.replace("://", f"://{MASK}@") if self.authorization else self.url


def parse_proxy(address: str, source: str = "") -> Proxy:
    """Read ``http://USER:PASSWORD@HOST:PORT`` out of ``source``; the scheme may be missing. Raises :func:`field_error`."""
    if is_quoted(address):
        raise field_error("has quotes inside the value", "remove them; docker run --env-file keeps quotes")
    address = "".join(address.split())
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        port = parts.port
    except ValueError:
        raise field_error("is not the address of a proxy", f"write {_PROXY_FORM}") from None
    if not parts.hostname or port == 0 or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise field_error("is not the address of a proxy", f"write {_PROXY_FORM}")
    if parts.scheme not in ("http", "https"):
        kind = f"a {parts.scheme}" if re.fullmatch("socks[45]?[ah]?", parts.scheme) else "another kind of"
        raise field_error(f"names {kind} proxy", "only http:// and https:// proxies can be used")
    where = join_address(host_of(parts.hostname, "the address of a proxy", _PROXY_FORM), port)
    authorization = None
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = Secret("Basic " + base64.b64encode(secret.encode()).decode(), source)
    return Proxy(f"{parts.scheme}://{where}", authorization)


def _proxy(value: object, info: ValidationInfo) -> Proxy:
    if isinstance(value, Proxy):
        return value
    return parse_proxy(secret_text(value, info, "http://{}.unopened.invalid"), source_of(value))


ProxyAddress = Annotated[Proxy, PlainValidator(_proxy), SECRET_SCHEMA]


@dataclass(frozen=True, slots=True)
class CaFile:
    """CA certificates as they stood in a file: with another content it is another value."""

    path: Path
    certificates: str = field(repr=False)

    def __str__(self) -> str:
        return str(self.path)


def certificates_in(path: Path, where: str = "") -> str:
    """Return the certificates in a PEM file, without what stands around them. Raises :func:`field_error`.

    ``where`` is the file in messages, as a rule its path.
    """
    where = where or redact(str(path))
    content = read_named_file(
        path,
        where,
        _CA_FILE_BYTES,
        absent="correct the path, or remove the key to trust only the CAs of the host",
        wanted="name a file with CA certificates in PEM format",
        holds="CA certificates",
    )
    found = _CERTIFICATE.findall(content)
    if not found:
        fix = "name the file with the CA's certificate"
        if content.startswith(_DER):
            fix = f"convert it: openssl x509 -inform der -in {where} -out {where}.pem"
        raise field_error(f"{where} holds no certificate in PEM format", fix)
    try:
        certificates = b"\n".join(found).decode("ascii")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates)
    except (ssl.SSLError, UnicodeDecodeError):
        raise field_error(f"{where} holds a certificate that is damaged", "write the CA certificates into it again") from None
    return certificates


def _ca_file(value: object, info: ValidationInfo) -> CaFile:
    if isinstance(value, CaFile):
        return value
    name = text_of(value, "/etc/ssl/private-ca.pem")
    if not name:
        raise field_error("is empty", "give the path of a file, or remove the key")
    if not isinstance(info.context, Reading):
        return CaFile(Path(name), certificates_in(Path(name)))
    path = info.context.directory / name
    info.context.outside.append(str(path))
    if path not in info.context.certificates:
        info.context.files.append(path)
        info.context.certificates[path] = certificates_in(path, shown_path(path, name))
    return CaFile(path, info.context.certificates[path])


CaFilePath = Annotated[CaFile, PlainValidator(_ca_file), WithJsonSchema({"type": "string", "minLength": 1}), NAMES_A_FILE]
