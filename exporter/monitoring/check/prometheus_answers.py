"""What a Prometheus says of itself: its answers as values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from exporter.monitoring.check.moments import moment
from exporter.monitoring.check.rules import LoadedGroup
from exporter.monitoring.check.server_client import NoAnswerError, NotServedError, ServerClient
from exporter.monitoring.promql import of_jobs

T = TypeVar("T")

STARTUP_SECONDS: Final = 120.0
"""Seconds after a start in which what is not there may not have been scraped or found yet."""


class Data(msgspec.Struct, Generic[T]):
    """What every answer of its API stands in."""

    data: T


class Build(msgspec.Struct):
    """The version of the server."""

    version: str = ""


class Runtime(msgspec.Struct, rename="camel"):
    """When the server started, how long it keeps data, when it read its configuration."""

    start_time: str
    storage_retention: str
    last_config_time: str = ""


class LoadedConfig(msgspec.Struct):
    """The configuration that the server has loaded, as YAML."""

    yaml: str


class Groups(msgspec.Struct):
    """The groups of rules that the server has loaded."""

    groups: list[LoadedGroup]


class ScrapeTarget(msgspec.Struct, rename="camel"):
    """A target of Prometheus: one exporter."""

    labels: dict[str, str]
    health: str = ""
    last_error: str = ""
    scrape_interval: str = ""
    scrape_pool: str = ""
    scrape_url: str = ""


class ScrapeTargets(msgspec.Struct, rename="camel"):
    """The targets that the server scrapes."""

    active_targets: list[ScrapeTarget]


class Alertmanagers(msgspec.Struct, rename="camel"):
    """The Alertmanagers that the server sends alerts to."""

    active_alertmanagers: list[msgspec.Raw]


class Sample(msgspec.Struct):
    """One series of an answer at one moment."""

    metric: dict[str, str]
    value: tuple[float, str]

    @property
    def number(self) -> float:
        """Its value."""
        return float(self.value[1])


class Vector(msgspec.Struct):
    """An instant vector."""

    result: list[Sample]


class Prometheus:
    """Asks one Prometheus."""

    def __init__(self, server: ServerClient) -> None:
        self.server = server

    async def version(self) -> str:
        """Return its version."""
        return (await self.server.read(Data[Build], "/api/v1/status/buildinfo")).data.version

    async def runtime(self) -> Runtime:
        """Return since when it runs, and how long it keeps data."""
        return (await self.server.read(Data[Runtime], "/api/v1/status/runtimeinfo")).data

    async def config(self) -> str:
        """Return the configuration that it runs."""
        return (await self.server.read(Data[LoadedConfig], "/api/v1/status/config")).data.yaml

    async def groups(self) -> list[LoadedGroup]:
        """Return the groups of rules that are loaded."""
        return (await self.server.read(Data[Groups], "/api/v1/rules")).data.groups

    async def targets(self) -> list[ScrapeTarget]:
        """Return what it scrapes."""
        return (await self.server.read(Data[ScrapeTargets], "/api/v1/targets", ("state", "active"))).data.active_targets

    async def alertmanagers(self) -> int:
        """Return to how many Alertmanagers it sends."""
        return len((await self.server.read(Data[Alertmanagers], "/api/v1/alertmanagers")).data.active_alertmanagers)

    async def formatted(self, expression: str) -> str:
        """Return an expression in its own form."""
        return (await self.server.read(Data[str], "/api/v1/format_query", ("query", expression))).data

    async def query(self, expression: str) -> list[Sample]:
        """Return the series of an expression now."""
        return (await self.server.read(Data[Vector], "/api/v1/query", ("query", expression))).data.result

    async def number(self, expression: str) -> float | None:
        """Return the only value of an expression, ``None`` where there is none."""
        return next((sample.number for sample in await self.query(expression)), None)

    async def now(self) -> float:
        """Return the moment on its own clock.

        In Unix seconds. Raises :class:`~exporter.monitoring.check.server_client.NoAnswerError` for an answer without it.
        """
        found = await self.number("vector(time())")
        if found is None:
            raise NoAnswerError("does not return its time", f"give the address of {self.server.kind}")
        return found

    async def began(self) -> float:
        """Return when the rules were loaded at the latest; 0 where nobody knows.

        In Unix seconds.
        """
        try:
            runtime = await self.runtime()
        except NotServedError:
            return 0.0
        return max(moment(runtime.start_time) or 0, moment(runtime.last_config_time) or 0)

    async def is_young(self, seconds: float) -> bool:
        """Return whether it started, or read its configuration, less than so many seconds ago."""
        return await self.now() - await self.began() < seconds


def matching(jobs: Sequence[str], **labels: str) -> str:
    """Return the matchers of the series of jobs."""
    own = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
    return f"{{{','.join((of_jobs(jobs), *own))}}}"


def place(metric: Mapping[str, str], names: Sequence[str]) -> tuple[str, ...]:
    """Return which installation a series is of."""
    return tuple(metric.get(name, "") for name in names)
