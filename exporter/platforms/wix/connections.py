"""The collector ``connections``: the state of every external calendar connection of a site (fact sheet wix.md 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from exporter.errors import ServerError
from exporter.model import CalendarType, CollectorName, Connection, ConnectionsObservation, Provider, Value
from exporter.platforms.base import PollResult, Services
from exporter.platforms.decoding import off_the_loop, report, rows_in
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.api_errors import request_id
from exporter.platforms.wix.connection_rows import ConnectionRow, ConnectionsAnswer, connections
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.naming import ConnectionNames
from exporter.platforms.wix.providers import ProviderDirectory
from exporter.platforms.wix.settings import WixConnections, WixTarget
from exporter.support.slices import in_slices

MOST_NAMED: Final = 5
"""So many of the providers that failed are named; the page has all."""


class _Seen(Value, frozen=True, gc=False):
    row: ConnectionRow
    since: float
    observed_at: float


class ConnectionsCollector:
    """Asks for all connections in one call; ``schedule_ids`` are picked here, not on the server (wix.md 3.1).

    With ``partialFailure=true`` a provider that fails costs its own connections only: they are missing from the answer, and
    that is no removal, so they stay as they were last seen. A connection that a complete answer does not list is gone.
    """

    def __init__(self, api: WixApi, target: WixTarget, settings: WixConnections, services: Services) -> None:
        self._api = api
        self._target = target
        self._max_age = settings.max_age_seconds
        self._services = services
        self._schedules = frozenset(schedule.lower() for schedule in target.schedule_ids)
        self._names = ConnectionNames(target.aliases)
        self._providers = ProviderDirectory(api, target, services)
        self._seen: dict[str, _Seen] = {}
        self._last: ConnectionsObservation | None = None

    async def poll(self) -> PollResult:
        http = await self._api.call(Endpoint.LIST_CONNECTIONS, query={"partialFailure": "true"})
        answer = await off_the_loop(self._services.admission, rows_in(http.body), connections, http)
        now = self._services.clock.steady()
        report(self._services.events, CollectorName.CONNECTIONS, malformed=answer.malformed, unrecognized=answer.unrecognized)
        failed = answer.failed_provider_ids
        if failed and not answer.rows:
            return await self._all_failed(failed, http)
        rows = [row for row in answer.rows if not self._schedules or row.schedule_id.lower() in self._schedules]
        await self._remember(rows, answer, now)
        labels = await self._labels(failed, answer.rows)
        observation = ConnectionsObservation(now, await self._connections(labels), _providers(labels, failed))
        self._last = observation
        await self._services.since.save()
        return PollResult(observation, _providers_failed(failed, labels, http) if failed else None)

    async def _remember(self, rows: Iterable[ConnectionRow], answer: ConnectionsAnswer, now: float) -> None:
        since, target = self._services.since, self._target.name
        seen: dict[str, _Seen] = {}
        async for row in in_slices(list(rows)):
            seen[row.key] = _Seen(row, since.since(target, row.key, row.status.value, now), now)
        # A row that could not be read may be any of those that are missing, so nothing is known to be gone then; but one that
        # nobody can mend must not keep them for ever.
        doubtful_after = now - self._max_age if answer.malformed else float("inf")
        for key, old in self._seen.items():
            if old.row.provider_id in answer.failed_provider_ids or old.observed_at >= doubtful_after:
                seen.setdefault(key, old)
        self._seen = seen
        if not answer.failed_provider_ids and not answer.malformed:
            since.keep_only(target, frozenset(seen))

    async def _labels(self, failed: frozenset[str], rows: Iterable[ConnectionRow] = ()) -> dict[str, str]:
        """Return the label of every provider that a row, a connection as last seen, or the list of failed ones names."""
        types: dict[str, CalendarType | None] = dict.fromkeys(failed)
        for row in (*rows, *(seen.row for seen in self._seen.values())):
            if row.provider_id:
                types[row.provider_id] = row.calendar_type
        return await self._providers.labels(types)

    async def _connections(self, labels: Mapping[str, str]) -> tuple[Connection, ...]:
        names = self._names.name_all(seen.row for seen in self._seen.values())
        found: list[Connection] = []
        async for seen in in_slices(list(self._seen.values())):
            row = seen.row
            found.append(
                Connection(
                    key=names[row.key],
                    calendar_type=row.calendar_type,
                    provider=labels.get(row.provider_id, "unknown"),
                    schedule=self._names.schedule(row.schedule_id),
                    status=row.status,
                    error_reason=row.error_reason,
                    import_enabled=row.import_enabled,
                    export_enabled=row.export_enabled,
                    since=seen.since,
                    observed_at=seen.observed_at,
                )
            )
        return tuple(found)

    async def _all_failed(self, failed: frozenset[str], http: Answer) -> PollResult:
        """No provider could be asked (wix.md 3.6): nothing is known now, and that is not "no connections".

        Once there was an observation it stays with its own age, and only its providers are marked as failed.
        """
        labels = await self._labels(failed)
        failure = _providers_failed(failed, labels, http)
        if self._last is None:
            raise failure
        self._last = replace(self._last, providers=_providers(labels, failed))
        return PollResult(self._last, failure)


def _providers(labels: Mapping[str, str], failed: frozenset[str]) -> tuple[Provider, ...]:
    up: dict[str, bool] = {}
    for provider_id, label in labels.items():
        up[label] = up.get(label, True) and provider_id not in failed
    return tuple(Provider(label, up[label]) for label in sorted(up))


def _providers_failed(failed: frozenset[str], labels: Mapping[str, str], http: Answer) -> ServerError:
    names = sorted({labels[provider_id] for provider_id in failed})
    further = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    named = ", ".join(names[:MOST_NAMED]) + further
    return ServerError(
        f"Wix could not read the calendars of {named}; their connections are shown as last known",
        request_id=request_id(http),
    )
