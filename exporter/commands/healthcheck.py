"""The ``healthcheck`` command: does the exporter on this machine answer."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exporter.errors import ConfigError
from exporter.support.net import join_address, parse_address
from exporter.support.redaction import sanitized

if TYPE_CHECKING:
    from exporter.web import WebConfig

# Where to knock when the exporter listens on every interface.
_LOOPBACK: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  we connect, we do not bind

_MAX_TEXT: Final = 400
_MAX_BODY: Final = 64 * 1024
_SECONDS: Final = 4.0
_OURS: Final = "booking-sync-exporter"
_ANOTHER: Final = "is not the exporter (fix: name the --web.listen-address that the exporter runs with)"
_NAME_FILE: Final = "(fix: name the --web.config.file that the exporter runs with)"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    challenge: str
    text: str


class _NoAnswerError(Exception):
    """Nothing that speaks HTTP answered; the sentence says why, with what to do."""


class _HungUpError(Exception):
    """Who listens there took the connection, and gave it up or answered in another language."""


def is_healthy(listen_address: str, web_config: Path | None) -> tuple[bool, str]:
    """Ask the exporter on this machine for ``/-/healthy``. Returns whether it is well, and a line to print."""
    try:
        host, port = parse_address(listen_address)
        web = _read(web_config)
    except ConfigError as error:
        return False, str(error)
    host = _LOOPBACK.get(host, host)
    tls = None if web is None else web.tls
    try:
        return _judged(_ask(host, port, tls=tls is not None, file=web_config), listen_address)
    except _NoAnswerError as error:
        return False, f"no answer from {listen_address}: {error}"
    except _HungUpError:
        # We have no certificate to show (TLS 1.3 hangs up after the handshake): it is alive, as if asked for a password.
        if tls is not None and tls.client_ca_file is not None:
            return True, "healthy (it asks for a client certificate)"
        why = f"it speaks TLS {_NAME_FILE}" if _speaks_tls(host, port) else f"what listens there {_ANOTHER}"
        return False, f"no answer from {listen_address}: {why}"


def _read(web_config: Path | None) -> WebConfig | None:
    if web_config is None:
        return None
    # A container asks every half a minute, mostly without a file: what reads one costs more than all the rest.
    from exporter.web import WebConfig  # noqa: PLC0415

    return WebConfig.load(web_config)


def _judged(answer: _Answer, where: str) -> tuple[bool, str]:
    text = sanitized(answer.text.rstrip(), _MAX_TEXT)
    # Asked for a password (probes_require_auth), it is alive all the same.
    if answer.status == http.client.UNAUTHORIZED and _OURS in answer.challenge:
        return True, "healthy (it asks for a password)"
    if not text.startswith(_OURS):
        return False, f"{where} answered {answer.status}, but {_ANOTHER}"
    healthy = answer.status == http.client.OK
    return healthy, "healthy" if healthy else text


def _ask(host: str, port: int, *, tls: bool, file: Path | None = None) -> _Answer:
    """Ask who listens there. No proxy: that is for the platforms. Raises :class:`_NoAnswerError`, :class:`_HungUpError`."""
    connection = (
        http.client.HTTPSConnection(host, port, timeout=_SECONDS, context=_no_verify())
        if tls
        else http.client.HTTPConnection(host, port, timeout=_SECONDS)
    )
    try:
        _connect(connection, file)
        connection.request("GET", "/-/healthy", headers={"Host": join_address(host, port)})
        response = connection.getresponse()
        body = response.read(_MAX_BODY)
        return _Answer(response.status, response.getheader("www-authenticate") or "", body.decode(errors="replace"))
    except TimeoutError:
        raise _NoAnswerError(f"no answer within {_SECONDS:g} s (fix: look in the log of the exporter)") from None
    except (http.client.HTTPException, OSError, ValueError):
        raise _HungUpError from None
    finally:
        connection.close()


def _connect(connection: http.client.HTTPConnection, file: Path | None) -> None:
    try:
        connection.connect()
    except TimeoutError:
        raise
    except (ssl.SSLError, ConnectionResetError, ConnectionAbortedError):
        raise _NoAnswerError(f"it does not speak TLS, although {file} asks for it {_NAME_FILE}") from None
    except (OSError, UnicodeError):
        fix = "start the exporter, or name the --web.listen-address that it runs with"
        raise _NoAnswerError(f"nothing listens there (fix: {fix})") from None


def _speaks_tls(host: str, port: int) -> bool:
    try:
        _ask(host, port, tls=True)
    except _NoAnswerError:
        return False
    except _HungUpError:  # who wants a client certificate hangs up after the handshake
        return True
    return True


def _no_verify() -> ssl.SSLContext:
    # Its own certificate names the public host, not the loopback that we come through.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
