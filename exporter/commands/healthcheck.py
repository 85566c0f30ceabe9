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


def is_healthy(listen_address: str, web_config: Path | None) -> tuple[bool, str]:
    """Ask the exporter on this machine for ``/-/healthy``. Returns whether it answered 200, and a line to print."""
    try:
        host, port = parse_address(listen_address)
        tls = WebConfig.load(web_config).tls
        # Its own certificate names the public host, not the loopback that we come through.
        url = f"{'https' if tls else 'http'}://{join_address(_LOOPBACK.get(host, host), port)}/-/healthy"
        # A proxy of the environment is for the platforms.
        response = httpx.get(url, timeout=4, verify=_no_verify(), trust_env=False)
    except ConfigError as error:
        return False, str(error)
    except (httpx.RemoteProtocolError, httpx.ReadError) as error:
        # We have no certificate to show (TLS 1.3 hangs up after the handshake): it is alive, as if asked for a password.
        if tls is None or tls.client_ca_file is None:
            return False, f"no answer from {listen_address} ({type(error).__name__})"
        return True, "healthy (it asks for a client certificate)"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return False, f"no answer from {listen_address} ({type(error).__name__})"
    # Asked for a password (probes_require_auth), it is alive all the same.
    if response.status_code not in (httpx.codes.OK, httpx.codes.UNAUTHORIZED):
        return False, f"{listen_address} answered {response.status_code}: {told(response.text.rstrip(), _MAX_TEXT)}"
    return True, "healthy"


def _no_verify() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
