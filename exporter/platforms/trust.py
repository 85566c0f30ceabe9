"""Whose certificates are trusted: the host's CA store, where OpenSSL finds it, and what a target adds to it.

curl, Python and everything else on the host trust that store, so a private CA that is added to it works here, too
(docs/decisions/0125). ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name another file and other folders, as OpenSSL takes them.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import certifi
import structlog
from pydantic_core import PydanticCustomError

from exporter.errors import ConfigError, ConfigProblem
from exporter.fields.routes import CaFile, certificates_in
from exporter.support.files import file_problem
from exporter.support.secret import is_quoted

log = structlog.get_logger(__name__)

FILE_VARIABLE: Final = "SSL_CERT_FILE"
FOLDERS_VARIABLE: Final = "SSL_CERT_DIR"
# Where distributions keep their bundle, for a Python whose OpenSSL was built to look elsewhere (conda, uv).
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",
)
# OpenSSL finds a certificate in a folder by the hash of its subject.
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")


def host_trust(environ: Mapping[str, str] = os.environ, *, bundles: tuple[str, ...] = _BUNDLES) -> ssl.SSLContext:
    """Return a client's context that trusts the host's CAs.

    Where the host has none, those of Mozilla that came with the exporter. Raises :class:`~exporter.errors.ConfigError` for a
    variable that names no certificates.
    """
    defaults = ssl.get_default_verify_paths()
    file, folders = environ.get(FILE_VARIABLE, ""), environ.get(FOLDERS_VARIABLE, "")
    if problems := [*_file_problems(file), *_folder_problems(folders)]:
        raise ConfigError(problems)
    context = _new_context()
    found = False
    if file or not file_problem(Path(defaults.openssl_cafile)):
        found = _loaded(context, Path(file or defaults.openssl_cafile))
    if folders or _has_certificates(defaults.openssl_capath):
        context.load_verify_locations(capath=folders or defaults.openssl_capath)
        found = True
    if not found and not any(_loaded(context, Path(bundle)) for bundle in bundles):
        log.warning("no_ca_store", fix="install the package ca-certificates; until then the exporter's own list is trusted")
        context.load_verify_locations(cafile=certifi.where())
    return context


def trust_with(ca_file: CaFile, environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Return a context that trusts those of ``ca_file`` besides the host's CAs. Raises as :func:`host_trust`."""
    context = host_trust(environ)
    context.load_verify_locations(cadata=ca_file.certificates)
    return context


def _new_context() -> ssl.SSLContext:
    # Not ssl.create_default_context(): from Python 3.13 on it refuses CAs that lack an extension, as many private ones do and
    # curl accepts; and it writes the keys of every connection to SSLKEYLOGFILE.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a server's own certificate may be what is trusted
    return context


def _loaded(context: ssl.SSLContext, file: Path) -> bool:
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError):
        return False
    return True


def _has_certificates(folder: str) -> bool:
    try:
        return any(_HASHED.fullmatch(name) for name in os.listdir(folder))  # noqa: PTH208  names are all that is needed
    except (OSError, ValueError):
        return False


def _file_problems(file: str) -> Iterator[ConfigProblem]:
    if file and is_quoted(file):
        yield _quotes(FILE_VARIABLE)
    elif file:
        try:
            certificates_in(Path(file))
        except PydanticCustomError as error:
            told = error.context or {}
            fix = f"name a file with CA certificates in PEM format, or unset {FILE_VARIABLE} to trust those of the host"
            yield ConfigProblem(FILE_VARIABLE, told["message"], fix)


def _folder_problems(folders: str) -> Iterator[ConfigProblem]:
    names = [name for name in folders.split(os.pathsep) if name]
    if folders and is_quoted(folders):
        yield _quotes(FOLDERS_VARIABLE)
    elif folders and not any(map(_has_certificates, names)):
        there = not all(file_problem(Path(name), folder=True) for name in names)
        what = "holds no certificate under the name that OpenSSL looks for" if there else "is no folder that can be read"
        fix = "run openssl rehash on it" if there else "name a folder with CA certificates"
        yield ConfigProblem(
            FOLDERS_VARIABLE, f"{folders} {what}", f"{fix}, or unset {FOLDERS_VARIABLE} to trust those of the host"
        )


def _quotes(name: str) -> ConfigProblem:
    return ConfigProblem(name, "has quotes inside the value", "remove them; docker run --env-file keeps quotes")
