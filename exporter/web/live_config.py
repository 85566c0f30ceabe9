"""The web configuration in force: read again when one of its files changes, kept when the new one is broken."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Final

import structlog

from exporter.errors import ConfigError, ConfigProblem
from exporter.support.files import stamps
from exporter.web.advice import web_warnings
from exporter.web.config import WebConfig
from exporter.web.tls import new_context

_log = structlog.get_logger("exporter.web")

LOOK_SECONDS: Final = 0.2
"""So long a request or a TLS connection waits for the files to be looked at."""


class ReloadingWebConfig:
    """Looks at the files' marks, if there are files, at every request and connection; no timer is needed.

    A thread looks, because a disk may hang: then what is in force stays so until the disk answers, and nobody waits again.
    That costs a tenth of a millisecond, and some tens while other threads are busy, since they take turns with it.

    Protection is never taken away while running, whether it is TLS, client certificates or passwords: a file that is just
    being written looks as if somebody wanted that.
    """

    def __init__(self, config: WebConfig, now: Callable[[], float] = time.time) -> None:
        self._config = config
        self._now = now
        self._context = new_context(config.tls) if config.tls else None
        self._seen = stamps(config.files())
        self._look: Future[None] | None = None
        self._hangs = False
        self._tell(config)

    @property
    def in_force(self) -> WebConfig:
        """The configuration as it was last looked at."""
        return self._config

    async def config(self) -> WebConfig:
        """Return the configuration in force, for one request or TLS connection."""
        if (look := self._begun_look()) is not None:
            await asyncio.wait({asyncio.wrap_future(look)}, timeout=LOOK_SECONDS)
            self._hangs = not look.done()
        return self._config

    def context(self) -> ssl.SSLContext:
        """Return the TLS context in force, as it was last looked at.

        Raises :class:`RuntimeError` without TLS in the configuration.
        """
        if self._context is None:
            raise RuntimeError("this listener does not speak TLS")
        return self._context

    def _begun_look(self) -> Future[None] | None:
        """Return the look that is to be waited for, begun now unless one goes on; ``None`` when there is none."""
        if not self._seen:
            return None
        if self._look is not None and not self._look.done():
            return None if self._hangs else self._look
        look: Future[None] = Future()

        def run() -> None:
            self._reload_if_changed()
            look.set_result(None)

        with contextlib.suppress(RuntimeError):  # no thread to be had: as if nothing had changed
            threading.Thread(target=run, name="web-config", daemon=True).start()
            self._look, self._hangs = look, False
            return look
        return None

    def _reload_if_changed(self) -> None:
        seen = stamps(self._config.files())
        if seen == self._seen:
            return
        self._seen = seen
        try:
            config, context = self._read_again()
        except ConfigError as error:
            # A certificate is often replaced before its key: the next change is looked at again.
            _log.error("web_config_reload_failed", problems=[str(problem) for problem in error.problems])
            return
        except Exception:  # noqa: BLE001  logged
            _log.exception("web_config_reload_crashed")  # a bug of ours, which nobody waits for
            return
        if config.files() != self._config.files():
            self._seen = stamps(config.files())
        self._config, self._context = config, context
        _log.info("web_config_reloaded")
        self._tell(config)

    def _tell(self, config: WebConfig) -> None:
        for warning in web_warnings(config, self._now()):
            _log.warning("web_config_warning", problem=str(warning))

    def _read_again(self) -> tuple[WebConfig, ssl.SSLContext | None]:
        config = WebConfig.load(self._config.path)
        problems = [ConfigProblem(path, what, "restart the exporter") for path, what in _fixed(self._config, config)]
        if problems:
            raise ConfigError(problems)
        return config, new_context(config.tls) if config.tls else None


def _fixed(old: WebConfig, new: WebConfig) -> Iterator[tuple[str, str]]:
    if (new.tls is None) != (old.tls is None):
        yield "tls_server_config", "TLS cannot be switched on or off while running"
    if new.tls and old.tls and new.tls.verify_clients < old.tls.verify_clients:
        yield "tls_server_config.client_auth_type", "client certificates cannot be made optional while running"
    if new.tls and old.tls and old.tls.client_allowed_sans and not new.tls.client_allowed_sans:
        yield "tls_server_config.client_allowed_sans", "the list of clients cannot be removed while the exporter runs"
    if old.users and not new.users:
        yield "basic_auth_users", "passwords cannot be switched off while running"
