"""Asks a Grafana for what the bundle has there: the boards as rendered, and a data source that knows the exporter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import msgspec

from exporter.monitoring.check.boards import changed
from exporter.monitoring.check.outcome import Check, CheckResult, missing, ok, some
from exporter.monitoring.check.prometheus_answers import Data, Vector, matching
from exporter.monitoring.check.server_client import NoAnswerError, NotServedError, Question, ServerClient, ask
from exporter.support.redaction import sanitized

_OLDEST: Final = 10
_MAX_SOURCES: Final = 10
_IMPORT: Final = "import the rendered boards again, or let Grafana read their folder"


class _Health(msgspec.Struct):
    version: str = ""
    database: str = ""


class _DataSource(msgspec.Struct):
    uid: str
    name: str
    type: str


class _Meta(msgspec.Struct, rename="camel"):
    folder_title: str = ""


class _Board(msgspec.Struct):
    dashboard: dict[str, Any]
    meta: _Meta = msgspec.field(default_factory=_Meta)


@dataclass(frozen=True, slots=True)
class GrafanaNeeds:
    """What this render wants of a Grafana."""

    jobs: Sequence[str]
    folder: str
    boards: Sequence[Mapping[str, Any]]


async def check_grafana(server: ServerClient, wanted: GrafanaNeeds) -> list[Check]:
    """Ask a Grafana whether it carries the bundle."""
    asked = _Asked(server, wanted)
    return await ask(
        server,
        Question("answers", asked.answers),
        [
            Question("version", asked.version),
            Question("data source", asked.data_source),
            Question("boards there", asked.boards),
            Question("boards equal", asked.equal),
            Question("folder", asked.folder),
        ],
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    server: ServerClient
    wanted: GrafanaNeeds

    async def _health(self) -> _Health:
        return await self.server.read(_Health, "/api/health")

    async def answers(self) -> CheckResult:
        health = await self._health()
        if health.database != "ok":
            return missing(
                f"its database is {sanitized(health.database, 40) or 'not told of'}",
                "give the address of Grafana, or fix its database",
            )
        return ok("its database is ok")

    async def version(self) -> CheckResult:
        version = (await self._health()).version
        found = re.match(r"(\d+)\.", version)
        if found and int(found[1]) < _OLDEST:
            return missing(f"{sanitized(version, 40)}: some panels look otherwise", f"update to Grafana {_OLDEST} or newer")
        return ok(sanitized(version, 40) or "it does not say")

    async def data_source(self) -> CheckResult:
        sources = [one for one in await self.server.read(list[_DataSource], "/api/datasources") if one.type == "prometheus"]
        said = []
        for source in sources[:_MAX_SOURCES]:
            try:
                result = await self._through(source)
            except NoAnswerError as error:
                said.append(f"{source.name} {error.text}")
                continue
            if result:
                return ok(f"{sanitized(source.name, 80)} has job {some(list(self.wanted.jobs))}")
            said.append(f"{source.name} has no job {some(list(self.wanted.jobs))}")
        if said:
            return missing(sanitized(some(said), 300), "correct its address and password; see what Prometheus says")
        return missing("none of type prometheus", "add the rendered data source")

    async def _through(self, source: _DataSource) -> Sequence[object]:
        path = f"/api/datasources/proxy/uid/{quote(source.uid, safe='')}/api/v1/query"
        return (await self.server.read(Data[Vector], path, ("query", f"count(up{matching(self.wanted.jobs)})"))).data.result

    async def _board(self, board: Mapping[str, Any]) -> _Board | None:
        try:
            return await self.server.read(_Board, f"/api/dashboards/uid/{board['uid']}")
        except NotServedError:
            return None

    async def boards(self) -> CheckResult:
        absent = [str(board["title"]) for board in self.wanted.boards if await self._board(board) is None]
        return missing(f"not there: {some(absent)}", _IMPORT) if absent else ok(f"all {len(self.wanted.boards)}")

    async def equal(self) -> CheckResult:
        there = [(board, theirs) for board in self.wanted.boards if (theirs := await self._board(board))]
        found = [f"{board['title']}: {part}" for board, theirs in there for part in changed(board, theirs.dashboard)]
        if found:
            return missing(
                f"{len(found)} differ: {sanitized(some(found), 300)}",
                f"{_IMPORT}; a copy with a uid of its own keeps your edits",
            )
        return ok(f"{len(there)} as they were rendered") if there else missing("none is there", _IMPORT)

    async def folder(self) -> CheckResult:
        there = [theirs.meta.folder_title for board in self.wanted.boards if (theirs := await self._board(board))]
        if others := sorted({title for title in there if title != self.wanted.folder}):
            return missing(
                f"{sanitized(some(others), 160)}, not {self.wanted.folder}",
                "move them there, so that an update finds and replaces them",
            )
        return ok(self.wanted.folder) if there else missing("no board is there", _IMPORT)
