"""What the web needs from the running exporter: the seam between the pages and the composition root."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from exporter.model import CollectorName
from exporter.state.poll_requests import PollRequest
from exporter.state.snapshot import View

if TYPE_CHECKING:
    from exporter.metrics import Format, MadePage


class Reloaded(Enum):
    """What a reload that succeeded found."""

    CHANGED = auto()
    SAME = auto()
    """Files that were written again and say the same as before."""
    UNTOUCHED = auto()
    """The very files that were read before, with their inodes, sizes and times."""


class Dashboards(Protocol):
    """The bundled dashboards in Grafana."""

    @property
    def fleet(self) -> str:
        """The address of the dashboard of all targets."""
        ...

    def target(self, name: str) -> str:
        """Return the address of the dashboard of one target."""
        ...


class Backend(Protocol):
    """The running exporter as the web sees it. Every method is called in the event loop and never waits for a platform."""

    @property
    def lifecycle(self) -> bool:
        """Whether ``--web.enable-lifecycle`` was given: only then may HTTP change anything."""
        ...

    def trouble(self) -> str | None:
        """Return why the process itself does not work, with a fix; ``None`` while it does. Needs no thread."""
        ...

    @property
    def opening(self) -> bool:
        """Whether the first targets are still being opened: there is nothing to show yet."""
        ...

    async def until_open(self) -> bool:
        """Wait until the first targets are open, or the stop begins. Returns whether they are."""
        ...

    @property
    def site_users(self) -> Mapping[str, frozenset[str]] | None:
        """The users that see a site and nothing else, by site; ``None`` as long as no configuration is known."""
        ...

    @property
    def operators(self) -> frozenset[str] | None:
        """The users that see everything; ``None`` where nothing says who, and all do whom no site has."""
        ...

    @property
    def dashboards(self) -> Dashboards | None:
        """The dashboards in Grafana; ``None`` where the configuration names no Grafana."""
        ...

    @property
    def standby(self) -> bool:
        """Whether it polls nothing, and so has no targets, because it waits for another process to end."""
        ...

    def targets(self, site: str | None = None) -> Collection[str]:
        """Return the names of all targets, or of those of one ``site``. Costs next to nothing."""
        ...

    def view(self, site: str | None = None) -> View:
        """Return everything as it may be shown now, or what may be shown of one ``site``. Cheap, no I/O."""
        ...

    async def metrics(
        self,
        format: Format,  # noqa: A002  the exposition's own word
        targets: frozenset[str] | None,
        site: str | None = None,
    ) -> MadePage:
        """Return the page in ``format``, of all targets (``None``) or of the named ones; all names are known to exist.

        With a ``site`` it has only that one's targets, and of the process nothing that tells of others.
        """
        ...

    def effective_config(self) -> str:
        """Return the configuration in force as YAML, secrets masked."""
        ...

    async def reload(self) -> Reloaded:
        """Validate the configuration and swap it in. Raises :class:`exporter.errors.ConfigError` and keeps the old one."""
        ...

    def poll_now(self, target: str, collectors: Collection[CollectorName] | None) -> Sequence[PollRequest]:
        """Let ``target`` be polled now, or those of its ``collectors`` that are named. Returns what happens to each.

        Nothing happens to a target that is not polled, or gone by now.
        """
        ...

    def set_log_level(self, level: str) -> None:
        """Log from ``level`` on: ``debug``, ``info``, ``warn``, ``error``. Raises :class:`ValueError` for other words."""
        ...
