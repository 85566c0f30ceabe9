"""The collector ``connections``: the state of every external calendar connection of a site (docs/platforms/wix.md 3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from exporter.connection_checks import StaffProtection
from exporter.errors import ServerError
from exporter.limits import KNOWN_CONNECTIONS, REMEMBERED_CONNECTIONS
from exporter.model import (
    CalendarType,
    Change,
    CollectorName,
    Connection,
    ConnectionsObservation,
    ConnectionStatus,
    GoneConnection,
    Value,
)
from exporter.platforms.base import PollResult, Services
from exporter.platforms.decoding import off_the_loop, report, rows_in
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.accounts import sharing_account
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.api_errors import request_id
from exporter.platforms.wix.connection_rows import ConnectionRow, ConnectionsAnswer, connections
from exporter.platforms.wix.directory import ConnectionDirectory, directory_of
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.naming import ConnectionNames
from exporter.platforms.wix.probes import CalendarProbes
from exporter.platforms.wix.protection import protection
from exporter.platforms.wix.providers import ProviderDirectory, shown_providers
from exporter.platforms.wix.settings import WixConnections, WixTarget
from exporter.platforms.wix.staff import StaffDirectory
from exporter.support.listing import first_names
from exporter.support.slices import in_slices


class _Seen(Value, frozen=True, gc=False):
    row: ConnectionRow
    since: Change
    observed_at: float
    was: Change | None = None  # the state before the present one

    @property
    def changes(self) -> tuple[Change, ...]:
        return (self.since,) if self.was is None else (self.was, self.since)


class ConnectionsCollector:
    """Asks for all connections in one call; ``schedule_ids`` are picked here, not on the server (wix.md 3.1).

    With ``partialFailure=true`` a provider that fails costs its own connections only: they are missing from the answer, and
    that is no removal, so they stay as they were last seen. A connection that a complete answer does not list is gone.
    """

    def __init__(
        self, api: WixApi, target: WixTarget, settings: WixConnections, services: Services, providers: ProviderDirectory
    ) -> None:
        self._api = api
        self._target = target
        self._max_age = settings.max_age_seconds
        self._max_connections = settings.max_connections
        self._services = services
        self._schedules = frozenset(schedule.lower() for schedule in target.schedule_ids)
        self._names = ConnectionNames(target.aliases)
        self._providers = providers
        self._probes = CalendarProbes(
            api, services, target.name, target.timeout, interval=settings.check_interval, polls_every=settings.interval
        )
        self._may_probe = settings.probe
        self.staff = StaffDirectory(api, services, target.name, interval=settings.check_interval) if settings.staff else None
        """The staff, where it is watched."""
        self._seen: dict[str, _Seen] = {}  # by the hash of the id; what was seen last comes first
        self._shown: Sequence[str] = ()
        self._changes: Mapping[str, tuple[Change, ...]] = {}  # of those that are shown, by the hash
        self._listed: frozenset[str] | None = None  # schedules of the last whole answer
        self._gone: Mapping[str, GoneConnection] = {}
        self._last: ConnectionsObservation | None = None

    async def poll(self, *, repeat: bool = True, probes: int | None = None) -> PollResult:
        """Ask once, as :class:`~exporter.platforms.base.Collector` says; without ``repeat`` no failure is tried again.

        At most so many ``probes`` of connections are made, if that is given.
        """
        http = await self._api.call(Endpoint.LIST_CONNECTIONS, query={"partialFailure": "true"}, repeat=repeat)
        answer = await off_the_loop(self._services.admission, rows_in(http.body), connections, http)
        now = self._services.clock.steady()
        report(self._services.events, CollectorName.CONNECTIONS, malformed=answer.malformed, unrecognized=answer.unrecognized)
        failed = answer.failed_provider_ids
        if failed and not answer.rows:
            return await self._all_failed(failed, http)
        if not failed and not answer.malformed:  # else a connection of a schedule may be one of those that are missing
            self._listed = frozenset(row.schedule_id.lower() for row in answer.rows)
        rows = [row for row in answer.rows if not self._schedules or row.schedule_id.lower() in self._schedules]
        await self._remember(rows, answer, now)
        if self.staff is not None:
            await self.staff.refresh()
        if self._may_probe:
            await self._probes.ask((self._seen[key].row for key in self._shown), probes)
        labels = await self._labels(failed, answer.rows)
        sharing = sharing_account(seen.row for seen in self._seen.values())
        shown, others = await self._connections(labels, now, sharing or frozenset())
        providers, dropped = shown_providers(labels, failed)
        self._last = observation = ConnectionsObservation(
            now,
            shown,
            providers,
            others,
            dropped,
            self._unlisted(self._target.schedule_ids),
            self._nobodys(self._target.aliases),
            tuple(self._gone.values()),
            None if sharing is None else sum(row.shares_account and not self._is_accepted(row) for row in (*shown, *others)),
            self._probes.refused,
            self._protection((*shown, *others), whole=not failed and not answer.malformed),
            self.staff.refused if self.staff else "",
            self._probes.asked if self._may_probe else None,
            self.staff is not None and self.staff.is_awaited,
        )
        return PollResult(observation, _providers_failed(failed, labels, http) if failed else None)

    def _protection(self, connections: Iterable[Connection], *, whole: bool) -> StaffProtection | None:
        """Return how the staff is protected by ``connections``; ``whole`` says that none is missing."""
        known = self.staff.known() if self.staff else None
        if known is None:
            return None
        staff, unreadable = known
        accepted = self._services.policy().at(self._services.clock.time()).connections
        ids = {seen.row.schedule_id.lower(): seen.row.schedule_id for seen in self._seen.values()}  # as they are written there
        watched = [one for one in staff if not self._schedules or one.schedule_id.lower() in self._schedules]
        return protection(
            watched,
            connections,
            unreadable=unreadable,
            whole=whole,
            label=lambda schedule: self._names.schedule(ids.get(schedule.lower(), schedule)),
            is_accepted=accepted.__contains__,
        )

    def _is_accepted(self, connection: Connection) -> bool:
        return self._services.policy().at(self._services.clock.time()).accepted_connection(connection) is not None

    def directory(self) -> ConnectionDirectory | None:
        """Return which connections import, as they were seen last; ``None`` before the first poll."""
        if self._last is None:
            return None
        shown = [self._seen[key].row for key in self._shown]
        now = self._services.clock.steady()
        failing = frozenset(row.key for row in shown if self._probes.imports_nothing(row, now))
        return directory_of((seen.row for seen in self._seen.values()), shown, self._names, failing)

    def _unlisted(self, schedules: Iterable[str]) -> tuple[str, ...]:
        """Return those of ``schedules`` that no connection belongs to."""
        return () if self._listed is None else tuple(each for each in schedules if each.lower() not in self._listed)

    def _nobodys(self, schedules: Iterable[str]) -> tuple[str, ...]:
        """Return those of ``schedules`` that no connection and, as far as it may be read, no staff member belongs to."""
        staff = self.staff.known() if self.staff else None
        if self.staff and (staff is None or staff[1]) and not self.staff.refused:
            return ()  # whose schedule it is may stand in what was not read
        known = {member.schedule_id.lower() for member in staff[0]} if staff else set()
        return tuple(each for each in self._unlisted(schedules) if each.lower() not in known)

    async def _remember(self, rows: Iterable[ConnectionRow], answer: ConnectionsAnswer, now: float) -> None:
        seen: dict[str, _Seen] = {}
        async for row in in_slices(list(rows)):
            before = self._seen.get(row.key)
            same = before is not None and before.row.status is row.status
            if before is not None and same:
                seen[row.key] = replace(before, row=row, observed_at=now)
            else:
                since = Change(now, row.status.value, known=before is not None)
                seen[row.key] = _Seen(row, since, now, None if before is None else before.since)
        # A row that could not be read may be any of those that are missing, so nothing is known to be gone then; but one that
        # nobody can mend must not keep them for ever.
        doubtful_after = now - self._max_age if answer.malformed else float("inf")
        for key, old in self._seen.items():
            if len(seen) >= KNOWN_CONNECTIONS.number:
                break
            if old.row.provider_id in answer.failed_provider_ids or old.observed_at >= doubtful_after:
                seen.setdefault(key, old)
        earlier, self._seen = self._seen, seen
        fresh = [key for key, row in seen.items() if now - row.observed_at <= self._max_age]
        self._shown = _chosen(fresh, seen, self._shown, self._max_connections)
        await self._date(self._shown, now)
        if not answer.failed_provider_ids and not answer.malformed:
            self._note_gone(frozenset(row.key for row in answer.rows), earlier, now)
            self._services.history.keep_only(self._target.name, frozenset(seen) | self._gone.keys())
        else:
            self._gone = {key: row for key, row in self._gone.items() if key not in seen}

    def _note_gone(self, listed: frozenset[str], earlier: Mapping[str, _Seen], now: float) -> None:
        """Learn which connections a whole answer, which has the ``listed``, does not have any more."""
        found = {}
        for key, changes in self._services.history.gone(self._target.name, listed, now).items():
            if key in earlier:
                schedule = self._names.schedule(earlier[key].row.schedule_id)
            else:  # it went earlier, or while the exporter was away
                schedule = self._gone[key].schedule if key in self._gone else ""
            found[key] = GoneConnection(key, schedule, changes)
        self._gone = found

    async def _date(self, keys: Sequence[str], now: float) -> None:
        """Learn from the store which status connections had since when, and let it remember what it did not know."""
        store, target = self._services.history, self._target.name
        changes: dict[str, tuple[Change, ...]] = {}
        async for key in in_slices(keys[: REMEMBERED_CONNECTIONS.number]):
            seen = self._seen[key]
            changes[key] = store.seen(target, key, seen.since, now)
            if changes[key][-1] is not seen.since:
                self._seen[key] = replace(seen, since=changes[key][-1])
        store.forget_oldest(target)
        self._changes = changes

    async def _labels(self, failed: frozenset[str], rows: Iterable[ConnectionRow] = ()) -> dict[str, str]:
        """Return the label of every provider that a row, a connection as last seen, or the list of failed ones names."""
        types: dict[str, CalendarType | None] = dict.fromkeys(failed)
        for row in (*rows, *(seen.row for seen in self._seen.values())):
            if row.provider_id:
                types[row.provider_id] = row.calendar_type
        return await self._providers.labels(types)

    async def _connections(
        self, labels: Mapping[str, str], now: float, sharing: Collection[str]
    ) -> tuple[tuple[Connection, ...], tuple[Connection, ...]]:
        """Return the connections that are shown one by one, and the others."""
        names = self._names.name_all(seen.row for seen in self._seen.values())
        found: list[Connection] = []
        shown = set(self._shown)
        others = [key for key, seen in self._seen.items() if key not in shown and now - seen.observed_at <= self._max_age]
        async for key in in_slices([*self._shown, *others]):
            seen = self._seen[key]
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
                    since=seen.since.at,
                    observed_at=seen.observed_at,
                    since_known=seen.since.known,
                    changes=self._changes.get(key, seen.changes),
                    probe=self._probes.answer(row, now),
                    import_calendars=self._probes.import_calendars(row, now),
                    shares_account=key in sharing,
                    probe_awaited=self._probes.is_awaited(row),
                )
            )
        return tuple(found[: len(shown)]), tuple(found[len(shown) :])

    async def _all_failed(self, failed: frozenset[str], http: Answer) -> PollResult:
        """No provider could be asked (wix.md 3.6): nothing is known now, and that is not "no connections".

        Once there was an observation it stays with its own age, and only its providers are marked as failed.
        """
        labels = await self._labels(failed)
        failure = _providers_failed(failed, labels, http)
        if self._last is None:
            raise failure
        providers, dropped = shown_providers(labels, failed)
        self._last = replace(self._last, providers=providers, dropped_providers=dropped)
        return PollResult(self._last, failure)


# What does not work comes first, and what may not before what does. Who left the business may stay disconnected for ever, and
# must not take the place of what is broken.
_URGENCY: Final[Mapping[ConnectionStatus, int]] = {
    ConnectionStatus.ERROR: 0,
    ConnectionStatus.DISCONNECTED: 1,
    ConnectionStatus.SYNCED: 3,
}
_MAY_NOT_WORK: Final = 2


def _chosen(fresh: Sequence[str], seen: Mapping[str, _Seen], before: Sequence[str], limit: int) -> Sequence[str]:
    """Return which of ``fresh`` are shown one by one, the most urgent first: all of them, or ``limit``.

    Among equals those stay that were shown ``before``, so that a poll changes no more than it must (docs/decisions/0140).
    """
    if len(fresh) <= min(limit, REMEMBERED_CONNECTIONS.number):
        return fresh
    kept = frozenset(before)
    return sorted(fresh, key=lambda key: (_URGENCY.get(seen[key].row.status, _MAY_NOT_WORK), key not in kept, key))[:limit]


def _providers_failed(failed: frozenset[str], labels: Mapping[str, str], http: Answer) -> ServerError:
    named = first_names(sorted({labels[provider_id] for provider_id in failed}))
    return ServerError(
        f"Wix could not read the calendars of {named}; their connections are shown as last known",
        request_id=request_id(http),
    )
