"""The environment variables that the exporter and its libraries read, and those of them that have no effect here.

A closed list: docs/environment.md tells it to people, and a test reads the sources of the libraries for others.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: who reads it, and which values of it are left to be read; the others are as if it were not set."""

    read_by: str
    kept: Callable[[str], bool] = lambda _: True


def _never(_: str) -> bool:
    return False


def _is_size(value: str) -> bool:
    """Whether a terminal may be so large: rich falls over digits of other scripts, and takes any number."""
    return value.isascii() and value.isdecimal() and len(value) <= _DIGITS and 0 < int(value) <= _MAX_SIZE


_MAX_SIZE: Final = 10_000
_DIGITS: Final = 5

VARIABLES: Final = MappingProxyType(
    {
        # Looked at before anything is built: exporter/platforms/routes.py.
        "HTTPS_PROXY": Variable("exporter"),
        "ALL_PROXY": Variable("exporter"),
        "NO_PROXY": Variable("exporter"),
        "SSL_CERT_FILE": Variable("exporter, OpenSSL"),
        "SSL_CERT_DIR": Variable("exporter, OpenSSL"),
        "B24_CLIENT_SECRET": Variable("exporter"),
        "BOOKING_SYNC_PASSWORD": Variable("exporter"),
        "BOOKING_SYNC_REVISION": Variable("exporter"),
        "NOTIFY_SOCKET": Variable("exporter"),
        "WATCHDOG_USEC": Variable("exporter"),
        "WATCHDOG_PID": Variable("exporter"),
        # No value of these can do harm.
        "OPENSSL_CONF": Variable("OpenSSL"),
        "RES_OPTIONS": Variable("c-ares, C library"),
        "LOCALDOMAIN": Variable("c-ares, C library"),
        "HOSTALIASES": Variable("c-ares, C library"),
        "CARES_HOSTS": Variable("c-ares"),
        "NO_COLOR": Variable("exporter, rich, structlog, typer"),
        "FORCE_COLOR": Variable("rich, structlog, typer"),
        "TERM": Variable("exporter, rich, typer"),
        "COLORTERM": Variable("rich"),
        "TTY_COMPATIBLE": Variable("rich"),
        "TTY_INTERACTIVE": Variable("rich"),
        "LC_ALL": Variable("Python"),
        "LANG": Variable("babel"),
        "LC_MESSAGES": Variable("babel"),
        "TZ": Variable("C library"),
        "TMPDIR": Variable("Python"),
        # A terminal of another size than a number is none.
        "COLUMNS": Variable("rich, typer", _is_size),
        "LINES": Variable("rich, typer", _is_size),
        "HTTP_PROXY": Variable("httpx, aiohttp"),
        # One process, one page and no foreign files: these would only break that.
        "SSLKEYLOGFILE": Variable("Python", _never),
        "NETRC": Variable("aiohttp", _never),
        "AIOHTTP_NO_EXTENSIONS": Variable("aiohttp", _never),
        "AIOHTTP_NOSENDFILE": Variable("aiohttp", _never),
        "MULTIDICT_NO_EXTENSIONS": Variable("multidict", _never),
        "YARL_NO_EXTENSIONS": Variable("yarl", _never),
        "PROPCACHE_NO_EXTENSIONS": Variable("propcache", _never),
        "FROZENLIST_NO_EXTENSIONS": Variable("frozenlist", _never),
        "PYDANTIC_DISABLE_PLUGINS": Variable("pydantic", _never),
        "PROMETHEUS_MULTIPROC_DIR": Variable("prometheus-client", _never),
        "prometheus_multiproc_dir": Variable("prometheus-client", _never),
        "PROMETHEUS_DISABLE_CREATED_SERIES": Variable("prometheus-client", _never),
        "PROMETHEUS_LEGACY_NAME_VALIDATION": Variable("prometheus-client", _never),
        "WEB_CONCURRENCY": Variable("uvicorn", _never),
        "FORWARDED_ALLOW_IPS": Variable("uvicorn", _never),
        "TERMINAL_WIDTH": Variable("typer", _never),
        "UNICODE_VERSION": Variable("rich", _never),
    }
)


def forget_unused(environ: MutableMapping[str, str]) -> None:
    """Take out of ``environ`` what has no effect here. To be called before a library is imported that reads it then."""
    for name, variable in VARIABLES.items():
        if name in environ and not variable.kept(environ[name]):
            del environ[name]
