"""TLS contexts from files, and a listener that asks for the context in force at every new connection."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import msgspec
import structlog

from exporter.errors import ConfigError, ConfigProblem
from exporter.support.files import is_no_file
from exporter.support.log_sampling import LogSampler
from exporter.support.redaction import sanitized

_MAX_PEM_BYTES: Final = 1024 * 1024
_MAX_NAMES: Final = 200  # letters

_log = structlog.get_logger("exporter.web")


class Tls(msgspec.Struct, frozen=True):
    """How the server proves itself and whom it asks for a certificate. ``ciphers`` are OpenSSL's names, empty for all.

    Of the clients with a certificate only those pass that have one of ``client_allowed_sans`` in it, unless that is empty.
    """

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    verify_clients: ssl.VerifyMode = ssl.CERT_NONE
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    max_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] = ()
    prefer_server_ciphers: bool = True
    client_allowed_sans: frozenset[str] = frozenset()


def new_context(tls: Tls) -> ssl.SSLContext:
    """Return a server context with the files as they are now. Raises :class:`~exporter.errors.ConfigError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = tls.min_version, tls.max_version
    if not tls.prefer_server_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.ciphers:
        context.set_ciphers(":".join(tls.ciphers))
    problems = [
        ConfigProblem(f"tls_server_config.{key}", f"{file}: it is no regular file", "name a file in PEM format")
        for key, file in (("cert_file", tls.cert_file), ("key_file", tls.key_file), ("client_ca_file", tls.client_ca_file))
        if file is not None and is_no_file(file)
    ]
    if problems:
        raise ConfigError(problems)  # OpenSSL would wait for a pipe
    try:
        # An encrypted key would make OpenSSL ask at the terminal.
        context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_password)
    except (OSError, ValueError) as error:
        problems.append(_exchanged(tls) or _problem("cert_file", tls.cert_file, tls.key_file, error))
    if tls.client_ca_file is not None:
        try:
            context.load_verify_locations(tls.client_ca_file)
        except (OSError, ValueError) as error:
            problems.append(_problem("client_ca_file", tls.client_ca_file, None, error))
    if problems:
        raise ConfigError(problems)
    context.verify_mode = tls.verify_clients
    return context


def _exchanged(tls: Tls) -> ConfigProblem | None:
    """Return the problem that each of the two files stands in the place of the other."""
    with contextlib.suppress(OSError):
        certificate, key = (file.read_bytes()[:_MAX_PEM_BYTES] for file in (tls.cert_file, tls.key_file))
        if b"PRIVATE KEY-----" in certificate and b"BEGIN CERTIFICATE-----" not in certificate and b"CERTIFICATE-----" in key:
            what = f"{tls.cert_file} holds a key, and key_file a certificate"
            return ConfigProblem("tls_server_config.cert_file", what, "exchange cert_file and key_file")
    return None


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _problem(key: str, file: Path, other: Path | None, error: Exception) -> ConfigProblem:
    names = f"{file} and {other}" if other else str(file)
    if isinstance(error, ssl.SSLError):
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        what = "certificate and key do not belong together" if mismatch else "not a certificate or key in PEM format"
        fix = "name the key that the certificate was made with" if mismatch else "convert the files to PEM"
    elif isinstance(error, OSError):
        what, fix = error.strerror or "cannot be read", "check the paths and that the exporter may read the files"
    else:
        what, fix = str(error), "store the key without a passphrase and protect it by the file's rights"
    return ConfigProblem(f"tls_server_config.{key}", f"{names}: {what}", fix)


class CurrentContext(ssl.SSLContext):
    """A listener's context that makes every connection with ``current()``, so that certificates change without a restart.

    asyncio asks the context that it was given for nothing but :meth:`wrap_bio`, once for each connection.
    """

    _current: Callable[[], ssl.SSLContext]

    def __new__(cls, current: Callable[[], ssl.SSLContext]) -> Self:
        context = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        context._current = current
        return context

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return self._current().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


class AllowedClients:
    """Lets a client through whose certificate has one of the names in ``client_allowed_sans`` of the TLS settings in force.

    Names are compared letter by letter, as the exporter toolkit does: DNS names, e-mail and IP addresses, URIs. The names of
    each certificate that is refused are logged, and not at every try.
    """

    def __init__(self, tls: Callable[[], Tls | None]) -> None:
        self._tls = tls
        self._sampler = LogSampler()

    def __call__(self, transport: asyncio.Transport) -> bool:
        tls = self._tls()
        if tls is None or not tls.client_allowed_sans:
            return True
        certificate = transport.get_extra_info("peercert") or {}
        names = frozenset(str(value) for _, value in certificate.get("subjectAltName", ()))
        if names & tls.client_allowed_sans:
            return True
        shown = sanitized(", ".join(sorted(names)), _MAX_NAMES)
        if (times := self._sampler.count_if_logged(shown)) is not None:
            fix = "if this client should have access, add one of its names to client_allowed_sans"
            _log.warning("client_certificate_refused", names=shown, repeated=times if times > 1 else None, fix=fix)
        return False
