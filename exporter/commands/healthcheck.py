"""The ``healthcheck`` command: does the exporter on this machine answer."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import httpx

from exporter.errors import ConfigError
from exporter.support.net import join_address, parse_address
from exporter.support.redaction import told
from exporter.web import WebConfig

# Where to knock when the exporter listens on every interface.
_LOOPBACK: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  we connect, we do not bind

_MAX_TEXT: Final = 400
_SECONDS: Final = 4.0
_OURS: Final = "booking-sync-exporter"
_ANOTHER: Final = "is not the exporter (fix: name the --web.listen-address that the exporter runs with)"
_NAME_FILE: Final = "(fix: name the --web.config.file that the exporter runs with)"


def is_healthy(listen_address: str, web_config: Path | None) -> tuple[bool, str]:
    """Ask the exporter on this machine for ``/-/healthy``. Returns whether it is well, and a line to print."""
    try:
        host, port = parse_address(listen_address)
        tls = WebConfig.load(web_config).tls
    except ConfigError as error:
        return False, str(error)
    where = join_address(_LOOPBACK.get(host, host), port)
    try:
        return _judged(_ask("https" if tls else "http", where), listen_address)
    except (httpx.RemoteProtocolError, httpx.ReadError) as error:
        # We have no certificate to show (TLS 1.3 hangs up after the handshake): it is alive, as if asked for a password.
        if tls is not None and tls.client_ca_file is not None:
            return True, "healthy (it asks for a client certificate)"
        return False, f"no answer from {listen_address}: {_why(error, where, web_config)}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return False, f"no answer from {listen_address}: {_why(error, where, web_config)}"


def _why(error: Exception, where: str, web_config: Path | None) -> str:
    """Return what keeps an answer away, and what to do."""
    if isinstance(error, httpx.InvalidURL):
        return "it is not an address (fix: write HOST:PORT, [IPV6]:PORT, or :PORT)"
    if isinstance(error, httpx.TimeoutException):
        return f"nothing came within {_SECONDS:g} s (fix: look into the log of the exporter)"
    if isinstance(error, httpx.ConnectError) and "SSL" in str(error):
        return f"it does not speak TLS, although {web_config} asks for it {_NAME_FILE}"
    if isinstance(error, httpx.ConnectError):
        return "nothing listens there (fix: start the exporter, or name the --web.listen-address that it runs with)"
    return f"it speaks TLS {_NAME_FILE}" if _speaks_tls(where) else f"what listens there {_ANOTHER}"


def _judged(answer: httpx.Response, where: str) -> tuple[bool, str]:
    text = told(answer.text.rstrip(), _MAX_TEXT)
    # Asked for a password (probes_require_auth), it is alive all the same.
    if answer.status_code == httpx.codes.UNAUTHORIZED and _OURS in answer.headers.get("www-authenticate", ""):
        return True, "healthy (it asks for a password)"
    if not text.startswith(_OURS):
        return False, f"{where} answered {answer.status_code}, but {_ANOTHER}"
    return answer.status_code == httpx.codes.OK, "healthy" if answer.is_success else text


def _ask(scheme: str, where: str) -> httpx.Response:
    # Its own certificate names the public host, not the loopback that we come through; a proxy is for the platforms.
    return httpx.get(f"{scheme}://{where}/-/healthy", timeout=_SECONDS, verify=_no_verify(), trust_env=False)


def _speaks_tls(where: str) -> bool:
    try:
        _ask("https", where)
    except (httpx.ConnectError, httpx.TimeoutException):
        return False
    except httpx.HTTPError:  # who wants a client certificate hangs up after the handshake
        return True
    return True


def _no_verify() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
