"""Security headers (Content-Security-Policy and others) of every answer, errors and the 401 included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What an answer sets itself stays: the status board brings a wider Content-Security-Policy for its own style and script.
DEFAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "deny",
    }
)


def _nothing() -> Mapping[str, str]:
    return {}


class SecurityHeaders:
    """Adds the defaults that are missing, and puts ``configured()`` in the place of whatever is there.

    A configured value that is empty takes the header away, as in exporter-toolkit.
    """

    def __init__(self, app: ASGIApp, configured: Callable[[], Mapping[str, str]] = _nothing) -> None:
        self._app = app
        self._configured = configured

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in DEFAULTS.items():
                    headers.setdefault(name, value)
                for name, value in self._configured().items():
                    if value:
                        headers[name] = value
                    else:
                        del headers[name]
            await send(message)

        await self._app(scope, receive, send_with_headers)
