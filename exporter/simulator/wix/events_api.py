"""ListEvents: what was imported from external calendars (wix.md 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from exporter.simulator import canary
from exporter.simulator.platform import Call, Reply, json_reply
from exporter.simulator.wix.calendars_api import failed_providers, readable
from exporter.simulator.wix.connections import Connection
from exporter.simulator.wix.context import CallContext
from exporter.simulator.wix.errors import Violation, validation_error
from exporter.simulator.wix.filters import decode_cursor, encode_cursor, utc_text
from exporter.simulator.wix.parameters import flag, guids
from exporter.simulator.wix.private_events import PrivateEvent, copies
from exporter.simulator.wix.world import Site

_MAX_IDS: Final = 100
_MAX_EVENTS: Final = 1000
_DEFAULT_EVENTS: Final = 100  # not documented


@dataclass(frozen=True, slots=True)
class _EventQuery:
    """The part of a ListEvents request that its cursor has to remember."""

    start: float
    end: float
    schedule_ids: frozenset[str]
    user_ids: frozenset[str]
    all_day: bool | None
    personal: bool
    partial: bool


def list_events(context: CallContext) -> Reply:
    """``GET .../events`` (wix.md 5). The names of schedule owners come along in spite of ``NO_PI``."""
    given = dict(context.call.query_pairs())
    limit = _limit(given.get("cursorPaging.limit"))
    if cursor := given.get("cursorPaging.cursor"):  # `from` and `to` may stand beside it
        state = decode_cursor(cursor)
        query, skip = msgspec.convert(state["query"], _EventQuery), int(state["skip"])
    else:
        query, skip = _event_query(context.call), 0
    connections = [
        connection
        for connection in readable(context)
        if connection.delivers
        and (not query.schedule_ids or connection.schedule_id in query.schedule_ids)
        and (not query.user_ids or connection.row.get("userId") in query.user_ids)
    ]
    failed = failed_providers(context, connections, partial=query.partial)
    events = sorted(
        (
            *(
                _Event(event, connection.schedule_id, connection)
                for connection in connections
                if connection.provider_id not in failed
                for event in _delivered(context, connection, query)
            ),
            *(_Event(event, schedule_id) for schedule_id, event in context.site.private.strays if not query.schedule_ids),
        ),
        key=lambda row: (row.event.start, row.schedule_id),
    )
    events = [row for row in events if _is_wanted(row.event, query)]
    page = events[skip : skip + limit]
    more = skip + limit < len(events)
    paging: dict[str, object] = {"count": len(page), "hasNext": more}
    if more:
        state = {"query": msgspec.to_builtins(query), "skip": skip + limit}
        paging["cursors"] = {"next": encode_cursor(state)}
    rows = [_row(event, context.site, personal=query.personal) for event in page]
    return json_reply({"events": rows, "pagingMetadata": paging, "failedProviderIds": list(failed)})


def _limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_EVENTS
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _MAX_EVENTS:
        raise validation_error(Violation("cursorPaging.limit", f"must be between 1 and {_MAX_EVENTS}", "MAX"))
    return int(text)


def _event_query(call: Call) -> _EventQuery:
    given = dict(call.query_pairs())
    bounds = []
    for name in ("from", "to"):
        try:
            bounds.append(_rfc3339(given.get(name, "")))
        except ValueError as error:
            raise validation_error(Violation(name, "is required in RFC 3339")) from error
    fieldsets = {value for key, value in call.query_pairs() if key == "fieldsets"}
    if not fieldsets <= {"NO_PI", "OWN_PI"}:
        raise validation_error(Violation("fieldsets", "must be NO_PI or OWN_PI"))
    return _EventQuery(
        start=bounds[0],
        end=bounds[1],
        schedule_ids=guids(call, "scheduleIds", _MAX_IDS),
        user_ids=guids(call, "userIds", _MAX_IDS),
        all_day=flag(call, "allDay"),
        personal="OWN_PI" in fieldsets,
        partial=flag(call, "partialFailure") is True,
    )


@dataclass(frozen=True, slots=True)
class _Event:
    """An event as it is delivered: of which schedule, and through which connection, if one is listed."""

    event: PrivateEvent
    schedule_id: str
    connection: Connection | None = None


def _delivered(context: CallContext, connection: Connection, query: _EventQuery) -> Iterator[PrivateEvent]:
    switches, site = context.switches, context.site
    found = [
        event
        for event in site.private.of(connection, query.start, query.end, context.now)
        if switches.transparent_events or not event.transparent
    ]
    if switches.echoes:
        found += copies(connection, site.bookings)
    twice = switches.events_twice_after_reconnect and connection.id in site.connections.reconnected
    return iter(found * 2 if twice else found)


def _is_wanted(event: PrivateEvent, query: _EventQuery) -> bool:
    """Return whether ``event`` overlaps the range, straddling ones included; one without length lies in it or not."""
    ends_after = event.end > query.start or event.end == event.start == query.start
    return event.start < query.end and ends_after and query.all_day in {None, event.all_day}


def _row(event: _Event, site: Site, *, personal: bool) -> dict[str, object]:
    schedule = site.schedules.get(event.schedule_id)
    connected = {} if event.connection is None else event.connection.row
    row: dict[str, object] = {
        "scheduleId": event.schedule_id,
        "calendarType": connected.get("calendarType", "GOOGLE"),
        "start": utc_text(event.event.start),
        "end": utc_text(event.event.end),
        "scheduleOwnerId": schedule.owner_id if schedule else connected.get("userId"),
        # Documented as withheld under NO_PI; the official examples show it all the same.
        "scheduleOwnerName": canary.FIRST_NAME,
    }
    if event.event.all_day and event.event.tells_all_day:
        row["allDay"] = True
    return row | {"calendarName": canary.EMAIL, "title": canary.TITLE} if personal else row


def _rfc3339(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment.timestamp()
