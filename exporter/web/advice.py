"""What is allowed and probably not meant: a listener or a file open to others, a certificate of ours that runs out."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from exporter.errors import ConfigProblem
from exporter.support.files import read_file
from exporter.support.net import parse_address
from exporter.support.rights import exposures
from exporter.support.x509 import validity
from exporter.web.config import WebConfig
from exporter.web.tls import Tls

_SOON_DAYS: Final = 14
_SOON_SHARE: Final = 0.25  # of its life, for those that live for days only
_MAX_BYTES: Final = 1024 * 1024
_DAY: Final = 86_400.0


def web_warnings(config: WebConfig, now: float) -> list[ConfigProblem]:
    """Return what to tell of a web configuration at ``now``, a moment of the wall clock. Reads its certificate."""
    tls = (config.tls.cert_file, config.tls.client_ca_file) if config.tls else ()
    files = {path: False for path in tls if path is not None}
    if config.path is not None:
        files[config.path] = bool(config.users)
    if config.tls is not None:
        files[config.tls.key_file] = True
    open_files = [ConfigProblem("", found.message, found.fix) for found in exposures(files)]
    return [*open_files, *(_expiry(config.tls, now) if config.tls else ())]


def listener_warning(bound: str, config: WebConfig, *, lifecycle: bool) -> ConfigProblem | None:
    """Return what to tell of a listener ``bound`` to ``host:port`` that other machines reach and that asks nobody who he is."""
    host, _ = parse_address(bound)
    asks = bool(config.users) or (config.tls is not None and config.tls.verify_clients is ssl.CERT_REQUIRED)
    if asks or _only_here(host):
        return None
    may = (
        "reads every page, reloads the configuration, has targets polled and sets the log level"
        if lifecycle
        else "reads every page"
    )
    ways = "require a password or a client certificate (--web.config.file), or let only trusted machines reach it"
    fix = f"{ways}; else leave --web.enable-lifecycle out" if lifecycle else f"{ways}, as a port published on 127.0.0.1 does"
    return ConfigProblem("--web.listen-address", f"anyone who reaches {bound} {may}, without a password", fix)


def _only_here(address: str) -> bool:
    """Return whether a socket bound to ``address`` is reached from this machine alone."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _expiry(tls: Tls, now: float) -> Iterator[ConfigProblem]:
    try:
        found = validity(read_file(tls.cert_file, _MAX_BYTES).decode("ascii", "replace"))
    except OSError:
        return
    if found is None:
        return
    left = found.ends - now
    if left < min(_SOON_DAYS * _DAY, _SOON_SHARE * (found.ends - found.begins)):
        day = datetime.fromtimestamp(found.ends, UTC).strftime("%Y-%m-%d %H:%M UTC")
        when = "expired at" if left <= 0 else "expires at"
        yield ConfigProblem("tls_server_config.cert_file", f"{tls.cert_file}: the certificate {when} {day}", "renew it")
    elif found.begins > now:
        day = datetime.fromtimestamp(found.begins, UTC).strftime("%Y-%m-%d %H:%M UTC")
        fix = "set the machine's clock, or wait"
        yield ConfigProblem("tls_server_config.cert_file", f"{tls.cert_file}: the certificate is not valid before {day}", fix)
