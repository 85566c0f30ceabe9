"""The web configuration in force: read again when one of its files changes, kept when the new one is broken."""

from __future__ import annotations

import ssl

import structlog

from exporter.errors import ConfigError, Problem
from exporter.fingerprint import fingerprint
from exporter.web.config import WebConfig
from exporter.web.tls import new_context

_log = structlog.get_logger("exporter.web")


class Watched:
    """Looks at the files' marks at every request and connection, which costs some microseconds; no timer is needed.

    Whether TLS is spoken at all is settled when the socket opens and does not change.
    """

    def __init__(self, config: WebConfig) -> None:
        self._config = config
        self._context = new_context(config.tls) if config.tls else None
        self._seen = fingerprint(config.files())

    def config(self) -> WebConfig:
        """Return the configuration in force."""
        self._refresh()
        return self._config

    def context(self) -> ssl.SSLContext:
        """Return the TLS context in force."""
        self._refresh()
        if self._context is None:
            raise RuntimeError("this listener does not speak TLS")
        return self._context

    def _refresh(self) -> None:
        seen = fingerprint(self._config.files())
        if seen == self._seen:
            return
        self._seen = seen
        try:
            config, context = self._read_again()
        except ConfigError as error:
            # A certificate is often replaced before its key: the next change is looked at again.
            _log.error("web_config_reload_failed", problems=[str(problem) for problem in error.problems])
            return
        if config.files() != self._config.files():
            self._seen = fingerprint(config.files())
        self._config, self._context = config, context
        _log.info("web_config_reloaded")

    def _read_again(self) -> tuple[WebConfig, ssl.SSLContext | None]:
        config = WebConfig.load(self._config.path)
        if (config.tls is None) != (self._config.tls is None):
            problem = Problem("tls_server_config", "TLS cannot be switched on or off while running", "restart the exporter")
            raise ConfigError([problem])
        return config, new_context(config.tls) if config.tls else None
