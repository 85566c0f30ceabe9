"""What became of the last attempt to load a configuration: shown, logged and counted, and compared with the next one."""

from __future__ import annotations

import structlog
from msgspec.structs import replace

from exporter.clock import Clock
from exporter.config import Config
from exporter.errors import ConfigError
from exporter.limits import MESSAGE
from exporter.metrics import Instruments
from exporter.policy import RejectedConfig
from exporter.support.known_secrets import KnownSecrets

log = structlog.get_logger(__name__)

_READ, _IN_FORCE = "configuration as read", "configuration in force"  # who holds its secrets: the first may be rejected


class Attempts:
    """The last attempt: the configuration ``tried`` if it could be read, and its problems if it was rejected."""

    def __init__(self, clock: Clock, instruments: Instruments, known: KnownSecrets) -> None:
        self._clock = clock
        self._instruments = instruments
        self._known = known
        self.tried: Config | None = None
        self._problems: str | None = None
        self._rejected: RejectedConfig | None = None

    @property
    def ended_well(self) -> bool:
        """Whether the last attempt was not rejected."""
        return self._problems is None

    def is_another(self, error: ConfigError) -> bool:
        """Return whether ``error`` tells of other problems than the last attempt did."""
        return str(error.map_texts(self._known.mask)) != self._problems

    def read(self, config: Config) -> None:
        """Learn the secrets of ``config``, which may yet be rejected."""
        self._known.hold(_READ, config.secrets, config.names)

    def accepted(self, digest: str) -> None:
        """Note that the configuration that was read last is in force; ``digest`` is its hash."""
        self._problems = self._rejected = None
        self._known.hand_over(_READ, _IN_FORCE)
        self._instruments.config_loaded(ok=True, at=self._clock.steady(), hash=digest)

    def rejected(self, error: ConfigError) -> ConfigError:
        """Note that a configuration was rejected. Returns ``error`` as it may be shown."""
        masked, now = error.map_texts(self._known.mask), self._clock.steady()
        self._problems = str(masked)
        first = self._known.sanitized(str(masked.problems[0]) if masked.problems else str(masked), MESSAGE.number)
        self._rejected = RejectedConfig(now, first, len(masked.problems))
        self._instruments.config_loaded(ok=False, at=now, hash=None)
        log.error("config_reload_failed", problems=[str(problem) for problem in masked.problems])
        return masked

    def shown(self, stepped: float) -> RejectedConfig | None:
        """Return the rejection, if the last attempt ended in one, when the wall clock was set by ``stepped`` seconds."""
        return self._rejected and replace(self._rejected, at=self._rejected.at + stepped)
