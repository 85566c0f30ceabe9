"""``--web.config.file`` in the format of prometheus/exporter-toolkit: TLS, client certificates, passwords, headers.

What Python's TLS cannot do, and what we do not offer, is an error with a way out, never silently ignored: a file that asks
for more protection than it gets must not load. One key is ours: ``probes_require_auth``.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from exporter.errors import ConfigError, ConfigProblem
from exporter.support.close_matches import close_match, respelled
from exporter.support.files import NotAFileError, file_problem, read_file, shown_path
from exporter.support.invisible import code_point, first_invisible
from exporter.support.secret import Secret, is_quoted
from exporter.support.yaml_source import YamlSource, read_yaml, show_path, showable_key
from exporter.web.hashes import MAKE_ONE, hash_problem
from exporter.web.tls import Tls, new_context

_AUTH_TYPES: Final[Mapping[str, ssl.VerifyMode]] = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED: Final = frozenset({"RequestClientCert", "RequireAnyClientCert", "RequireClientCert"})
_VERSIONS: Final[Mapping[str, ssl.TLSVersion]] = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_OLD_VERSIONS: Final = frozenset({"TLS10", "TLS11"})
# Go's names, which the format uses, and OpenSSL's. The three of TLS 1.3 are always on, in Go as here.
_CIPHERS: Final[Mapping[str, str]] = {
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
}
_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
_NOT_OFFERED: Final[Mapping[str, str]] = {
    "tls_server_config.cert": "write the certificate to a file and name it in cert_file",
    "tls_server_config.key": "write the key to a file and name it in key_file",
    "tls_server_config.client_ca": "write the certificates to a file and name it in client_ca_file",
    "tls_server_config.curve_preferences": "remove it; OpenSSL's own order is used",
    "rate_limit": "remove it: scrapes are served from memory, and --web.max-requests bounds the pages made at a time",
}
_TOP_KEYS: Final = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit", "probes_require_auth")
_TLS_KEYS: Final = (
    "cert_file",
    "key_file",
    "client_auth_type",
    "client_ca_file",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
)
_HTTP_KEYS: Final = ("http2", "headers")
_HOMES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(_TOP_KEYS, ()),
    **dict.fromkeys(_TLS_KEYS, ("tls_server_config",)),
    **dict.fromkeys(_HTTP_KEYS, ("http_server_config",)),
    **dict.fromkeys(_HEADERS, ("http_server_config", "headers")),
}
# Words of Prometheus's own scrape configuration, and what people call it.
_MISNOMERS: Final[Mapping[str, str]] = {
    "basic_auth": "basic_auth_users",
    "users": "basic_auth_users",
    "tls_config": "tls_server_config",
    "tls": "tls_server_config",
    "ca_file": "client_ca_file",
    "cert": "cert_file",
    "key": "key_file",
}
_MAX_BYTES: Final = 1024 * 1024
_BCRYPT: Final = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_COSTS: Final = range(4, 19)


class WebConfig(msgspec.Struct, frozen=True):
    """The web configuration; everything off when there is no file. ``users`` maps a name to a bcrypt hash."""

    path: Path | None = None
    tls: Tls | None = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    users: Mapping[str, Secret] = msgspec.field(default_factory=dict)
    probes_require_auth: bool = False

    @classmethod
    def load(cls, path: Path | None) -> WebConfig:
        """Read ``path``, its certificates included. Raises :class:`~exporter.errors.ConfigError` with every problem."""
        if path is None:
            return cls()
        try:
            text = read_file(path, _MAX_BYTES).decode()
        except FileNotFoundError as error:
            problem = ConfigProblem("", "does not exist", "name another file with --web.config.file", str(path))
            raise ConfigError([problem]) from error
        except UnicodeDecodeError as error:
            raise ConfigError([ConfigProblem("", "is not UTF-8 text", "save it as UTF-8", str(path))]) from error
        except OSError as error:
            what = "is not a file" if isinstance(error, NotAFileError) else f"cannot be read: {error.strerror}"
            raise ConfigError([ConfigProblem("", what, "check --web.config.file and the file's rights", str(path))]) from error
        return _Reader(path, read_yaml(text)).read()

    def files(self) -> tuple[Path, ...]:
        """Return every file that this configuration was read from."""
        tls = (self.tls.cert_file, self.tls.key_file, self.tls.client_ca_file) if self.tls else ()
        return tuple(path for path in (self.path, *tls) if path is not None)


def _instead_of(key: str, around: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, str]:
    """Return what to write instead of a ``key`` that is none there, and the key that is meant; empty if that is not known."""
    meant = respelled(key, known) or _MISNOMERS.get(key)
    if meant not in known:
        home = respelled(key, _HOMES)
        if home is not None and _HOMES[home] != around:
            return (f"move it to {'.'.join(_HOMES[home])}" if _HOMES[home] else "move it to the top level of the file"), ""
        meant = close_match(key, known)
    return (f"did you mean {meant}?", meant) if meant else ("", "")


class _Reader:
    """Walks the file once and collects every problem."""

    def __init__(self, path: Path, source: YamlSource) -> None:
        self._path = path
        self._source = source
        self._meant: set[tuple[str, ...]] = set()  # keys that are misspelt, so not missing
        self._problems = [
            ConfigProblem(found.path, found.message, found.fix, str(path), found.line) for found in source.problems
        ]

    def read(self) -> WebConfig:
        top = self._mapping((), self._source.value, _TOP_KEYS)
        tls = self._tls(top["tls_server_config"]) if top.get("tls_server_config") is not None else None
        config = WebConfig(
            path=self._path,
            tls=tls,
            headers=self._http(top.get("http_server_config")),
            users=self._users(top.get("basic_auth_users")),
            probes_require_auth=self._flag(("probes_require_auth",), top.get("probes_require_auth", False)),
        )
        if not self._problems and tls is not None:
            try:
                new_context(tls)
            except ConfigError as error:
                self._problems += [ConfigProblem(f.path, f.message, f.fix, str(self._path)) for f in error.problems]
        if self._problems:
            raise ConfigError(self._problems)
        return config

    def _refuse(self, path: tuple[str | int, ...], message: str, fix: str) -> None:
        self._problems.append(ConfigProblem(show_path(path), message, fix, str(self._path), self._source.line(path)))

    def _mapping(self, path: tuple[str, ...], value: object, known: tuple[str, ...]) -> dict[str, object]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._refuse(path, "must be a mapping", f"write keys below it: {', '.join(known)}")
            return {}
        if not path and "targets" in value:
            self._refuse(
                path, "is the configuration of the exporter", "name it with --config.file, and here the file for the web"
            )
            return {}
        read = {}
        for key, inner in value.items():
            where = (*path, key)
            if (way_out := _NOT_OFFERED.get(show_path(where))) is not None:
                self._refuse(where, "is not offered by this exporter", way_out)
            elif key not in known:
                name = showable_key(key) or (key if key.isascii() and close_match(key, _HOMES) else None)
                fix, meant = _instead_of(key, path, known)
                self._meant.add((*path, meant))
                self._refuse((*path, name) if name else path, "unknown key", fix or f"known here: {', '.join(known)}")
            else:
                read[key] = inner
        return read

    def _tls(self, value: object) -> Tls | None:
        path = ("tls_server_config",)
        found = self._mapping(path, value, _TLS_KEYS)
        files = {
            key: self._file((*path, key), found[key]) for key in ("cert_file", "key_file", "client_ca_file") if key in found
        }
        for key in ("cert_file", "key_file"):
            if key not in found and (*path, key) not in self._meant:
                self._refuse(
                    (*path, key), "is missing", f"name the {'certificate' if key == 'cert_file' else 'key'} in PEM form"
                )
        verify = self._auth_type((*path, "client_auth_type"), found.get("client_auth_type", "NoClientCert"))
        if verify is None:  # what goes with it is told when it is known
            return None
        if verify is ssl.CERT_NONE and "client_ca_file" in found:
            self._refuse(
                (*path, "client_ca_file"),
                "client certificates are not asked for",
                "set client_auth_type: RequireAndVerifyClientCert, or remove client_ca_file",
            )
        if verify is not ssl.CERT_NONE and "client_ca_file" not in found:
            self._refuse((*path, "client_ca_file"), "is missing", "name the certificates of the CA that signs the clients")
        names = self._names((*path, "client_allowed_sans"), found.get("client_allowed_sans"))
        if names and verify is not ssl.CERT_REQUIRED:
            self._refuse(
                (*path, "client_allowed_sans"),
                "a client without a certificate would pass",
                "set client_auth_type: RequireAndVerifyClientCert",
            )
        lowest = self._version((*path, "min_version"), found.get("min_version", "TLS12"))
        highest = self._version((*path, "max_version"), found.get("max_version", "TLS13"))
        if lowest > highest:
            self._refuse((*path, "min_version"), "is higher than max_version", "swap the two")
        ciphers = self._ciphers((*path, "cipher_suites"), found.get("cipher_suites"))
        prefer = self._flag((*path, "prefer_server_cipher_suites"), found.get("prefer_server_cipher_suites", True))
        certificate, private_key = files.get("cert_file"), files.get("key_file")
        if certificate is None or private_key is None:
            return None
        return Tls(certificate, private_key, files.get("client_ca_file"), verify, lowest, highest, ciphers, prefer, names)

    def _names(self, path: tuple[str, ...], value: object) -> frozenset[str]:
        if value is None:
            return frozenset()
        if not isinstance(value, list) or not value or not all(isinstance(name, str) and name for name in value):
            fix = "write one per line, each after a dash, as the clients' certificates have it"
            self._refuse(path, "must be a list of names", fix)
            return frozenset()
        return frozenset(value)

    def _file(self, path: tuple[str, ...], value: object) -> Path | None:
        if not isinstance(value, str) or not value:
            self._refuse(path, "must be the name of a file", "write a path, absolute or from the folder of this file")
            return None
        file = self._path.parent / value
        # A password or hash put here by mistake must not be shown as a missing file.
        where = shown_path(file, value)
        if trouble := file_problem(file):
            self._refuse(path, f"{where} {trouble}", "create it, or correct the path")
            return None
        return file

    def _auth_type(self, path: tuple[str, ...], value: object) -> ssl.VerifyMode | None:
        if isinstance(value, str) and value in _UNVERIFIED:
            self._refuse(path, f"{value} does not verify the certificate", "use RequireAndVerifyClientCert")
        elif not isinstance(value, str) or value not in _AUTH_TYPES:
            near = close_match(value, _AUTH_TYPES) if isinstance(value, str) else None
            self._refuse(path, "unknown policy", f"did you mean {near}?" if near else f"use one of {', '.join(_AUTH_TYPES)}")
        else:
            return _AUTH_TYPES[value]
        return None

    def _version(self, path: tuple[str, ...], value: object) -> ssl.TLSVersion:
        if isinstance(value, str) and value in _VERSIONS:
            return _VERSIONS[value]
        what = "is not safe" if isinstance(value, str) and value in _OLD_VERSIONS else "unknown version"
        digits = re.sub(r"[^0-9]", "", str(value)) if isinstance(value, (str, float)) else ""
        self._refuse(path, what, f"write TLS{digits}" if f"TLS{digits}" in _VERSIONS else "use TLS12 or TLS13")
        return ssl.TLSVersion.TLSv1_3 if path[-1] == "max_version" else ssl.TLSVersion.TLSv1_2

    def _ciphers(self, path: tuple[str, ...], value: object) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self._refuse(path, "must be a list", "write one suite per line, each after a dash")
            return ()
        chosen = []
        for position, suite in enumerate(value):
            if not isinstance(suite, str) or suite not in _CIPHERS:
                near = close_match(suite, _CIPHERS) if isinstance(suite, str) else None
                fix = f"did you mean {near}?" if near else "use a name of Go's tls.CipherSuites()"
                self._refuse((*path, position), "unknown or unsafe cipher suite", fix)
            elif _CIPHERS[suite]:
                chosen.append(_CIPHERS[suite])
        return tuple(chosen)

    def _http(self, value: object) -> Mapping[str, str]:
        path = ("http_server_config",)
        found = self._mapping(path, value, _HTTP_KEYS)
        self._flag((*path, "http2"), found.get("http2", True))  # HTTP/1.1 is served whatever it says
        headers = {}
        for name, text in self._mapping((*path, "headers"), found.get("headers"), tuple(_HEADERS)).items():
            where = (*path, "headers", name)
            if text is None:
                headers[name] = ""
            elif not isinstance(text, str) or not (text.isascii() and text.isprintable()):
                self._refuse(where, "must be one line of plain text", "write the header's value in quotes")
            elif text and _HEADERS[name] and text not in _HEADERS[name]:
                self._refuse(where, "this value is not allowed", f"use {' or '.join(_HEADERS[name])}")
            else:
                headers[name] = text
        return MappingProxyType(headers)

    def _users(self, value: object) -> Mapping[str, Secret]:
        path = ("basic_auth_users",)
        if value is None:
            return MappingProxyType({})
        if not isinstance(value, dict):
            has_dashes = isinstance(value, list) and all(isinstance(each, dict) for each in value)
            fix = "leave the - out" if has_dashes else "write NAME: BCRYPT-HASH below it, one line for each"
            self._refuse(path, "must be a mapping", fix)
            return MappingProxyType({})
        users: dict[str, Secret] = {}
        for position, (name, stored) in enumerate(value.items(), 1):
            # A name may be a password in the wrong place, so only its position is told unless it looks like a name.
            where = (*path, showable_key(name) or f"user {position}")
            match = _BCRYPT.fullmatch(stored) if isinstance(stored, str) else None
            if not name or ":" in name:
                self._refuse(where, "a user name is not empty and has no colon", "choose another name")
            elif odd := first_invisible(name):
                self._refuse(where, f"a user name holds {code_point(odd)}, an invisible character", "remove it")
            elif isinstance(stored, str) and is_quoted(stored):
                self._refuse(where, "has quotes inside the hash", "write it in one pair of quotes")
            elif match is None:
                self._refuse(where, *hash_problem(stored))
            elif int(match[1]) not in _COSTS:
                self._refuse(where, f"the cost must lie between {_COSTS[0]} and {_COSTS[-1]}", MAKE_ONE)
            else:
                users[name] = Secret(match[0])
        return MappingProxyType(users)

    def _flag(self, path: tuple[str, ...], value: object) -> bool:
        if isinstance(value, bool):
            return value
        self._refuse(path, "must be true or false", "write true or false, without quotes")
        return False
