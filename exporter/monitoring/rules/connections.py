"""What is recorded of the calendar connections."""

from __future__ import annotations

from exporter.fields.durations import format_duration
from exporter.model import ConnectionStatus
from exporter.monitoring.promql import CONNECTION, FOLDED_LABELS, SITE, TARGET_LABELS, newest, one_per
from exporter.monitoring.rules.recording import Recording, RecordingGroup
from exporter.state.thresholds import DEFAULTS, Thresholds

STATUS_CODES: dict[ConnectionStatus, int] = {
    ConnectionStatus.SYNCED: 0,
    ConnectionStatus.CONNECTED: 1,
    ConnectionStatus.SYNC_IN_PROGRESS: 2,
    ConnectionStatus.UNKNOWN: 3,
    ConnectionStatus.UNDEFINED: 4,
    ConnectionStatus.DISCONNECTED: 5,
    ConnectionStatus.ERROR: 6,
}
"""One number per status, for timelines and for what changes; the worse is the higher, also where two replicas disagree."""

BROKEN = 3
"""A connection works as long as its number is lower."""

LIVE_STATUSES = (
    ConnectionStatus.SYNCED,
    ConnectionStatus.SYNC_IN_PROGRESS,
    ConnectionStatus.CONNECTED,
    ConnectionStatus.ERROR,
)
"""The connections that the objective is about: ``disconnected`` may be wanted, ``undefined`` and ``unknown`` say nothing."""

STATUS = "connection_status:booking_sync_connection_status:max"
REASON = "connection_reason:booking_sync_connection_error:max"
ACCEPTED = "connection:booking_sync_connection_accepted:max"
LOST = "connection:booking_sync_connection_status:lost5m"
CHANGED = "connection:booking_sync_connection_status:changed1m"
EXPORT = "connection:booking_sync_connection_export:off"
EXPORT_OFF = "connection:booking_sync_connection_export:off5m"
LISTED = "target:booking_sync_connections:sum"
LIVE = "target:booking_sync_connections_live:sum"
BAD = "target:booking_sync_connections_bad:sum"
DOWN = "target:booking_sync_connections_down:sum"

PROBE_FAILED = "connection:booking_sync_connection_probe:failed"
CALENDAR_MISSING = "connection:booking_sync_connection_import_calendars:missing"

_LOST_IN_GAP = "connection:booking_sync_connection_status:lost_in_gap"
_CODE = "connection:booking_sync_connection_status:code"
_WORKING = "target:booking_sync_connections_working:sum"
_BY_STATUS = "target_status:booking_sync_connections:sum"


def connection_recordings(thresholds: Thresholds = DEFAULTS) -> RecordingGroup:
    """Return what is recorded of the calendar connections."""
    return RecordingGroup(
        "booking-sync-connections", "1m", (*_states(), *_checks(), *_aggregates(), *_events(), *_names(), _down(thresholds))
    )


def gap_recordings() -> RecordingGroup:
    """Return what is recorded of the connections after a gap of the data."""
    new = f"{_broken()} unless ignoring (status) {_broken('10m')} unless ignoring (status) {_CODE} offset 10m"
    return RecordingGroup(
        "booking-sync-connections-gap",
        "5m",
        (
            Recording(
                _LOST_IN_GAP,
                f"(max without (status) ({new}) and ({_CODE} offset 1h or {_CODE} offset 8h) < {BROKEN}) ^ 0",
                "Exists for the first ten minutes after a gap for what worked before it. Not every minute: a query that looks\n"
                "back for hours reads the blocks of all of them, whatever it asks.",
            ),
        ),
    )


def _states() -> tuple[Recording, ...]:
    codes = "\n  or ".join(f'{code} * {STATUS}{{status="{word}"}}' for word, code in STATUS_CODES.items())
    return (
        Recording(
            STATUS,
            newest("booking_sync_connection_status == 1"),
            "Only the status that holds: the zeros of all others would be most of what is stored and read.",
        ),
        Recording(REASON, newest("booking_sync_connection_error == 1")),
        Recording(ACCEPTED, newest("booking_sync_connection_accepted == 1")),
        Recording(
            _CODE,
            f"max without (status) (\n     {codes}\n)",
            "One number per connection for timelines; max, not sum, because two replicas may disagree for one poll.",
        ),
    )


def _checks() -> tuple[Recording, ...]:
    words = "|".join(status for status, code in STATUS_CODES.items() if code < BROKEN)
    judged = f'and ignoring (status) {STATUS}{{status=~"{words}"}}\nunless {ACCEPTED}'
    calendars = "booking_sync_connection_import_calendars"
    missing = newest(f'{calendars}{{state="missing"}} > 0 or {calendars}{{state="present"}} == 0')
    return (
        Recording(
            PROBE_FAILED,
            f"{newest('booking_sync_connection_probe_success == 0')}\n{judged}",
            "Exists while a status says that a connection works and its calendars cannot be read.",
        ),
        Recording(CALENDAR_MISSING, f"max without (state) ({missing})\n{judged}", "How many are gone; 0 where none is chosen."),
    )


def _aggregates() -> tuple[Recording, ...]:
    live, working = ("|".join(words) for words in (LIVE_STATUSES, (s for s, code in STATUS_CODES.items() if code < BROKEN)))
    return (
        Recording(
            _BY_STATUS,
            f"sum without (calendar_type) ({newest('booking_sync_connections')})",
            "Replicas first, then calendar types: the other way round two replicas would double every number.",
        ),
        Recording(LISTED, f"sum without (status) ({_BY_STATUS})"),
        Recording(LIVE, f'sum without (status) ({_BY_STATUS}{{status=~"{live}"}})'),
        Recording(_WORKING, f'sum without (status) ({_BY_STATUS}{{status=~"{working}"}})'),
        Recording(
            "target:booking_sync_connections_synced:ratio",
            f'sum without (status) ({_BY_STATUS}{{status="synced"}}) / ({LIVE} > 0)',
        ),
        Recording(BAD, f'sum without (status) ({_BY_STATUS}{{status="error"}})'),
        Recording("target:booking_sync_connections_bad:ratio", f"{BAD} / ({LIVE} > 0)"),
    )


def _events() -> tuple[Recording, ...]:
    exporting = 'booking_sync_connection_sync_enabled{direction="export"}'
    folded = ", ".join((*FOLDED_LABELS, "direction"))
    return (
        Recording(
            LOST,
            "(\n"
            f"  max without (status) ({_broken()} unless ignoring (status) {_broken('5m')}) and {_CODE} offset 5m\n"
            f"  or last_over_time({_LOST_IN_GAP}[6m])\n"
            f"  or {_CODE} offset 5m < {BROKEN} unless {_CODE}\n"
            f"  and ignoring (connection) {LISTED}\n"
            f"  unless ignoring (connection) {_provider_fails()}\n"
            ") ^ 0",
            "Exists for five minutes after a connection stopped working or left the list. Who asks what worked within a day\n"
            "asks this, and not for every minute of every connection. After a gap of the data, what was before it counts.\n"
            "What is broken is little: each part begins with it, so that nothing is left to be compared on most days.",
        ),
        Recording(
            CHANGED,
            "(\n"
            f"  max without (status) ({_broken()} unless ignoring (status) {_broken('1m')}) and {_CODE} offset 1m\n"
            f"  or max without (status) ({_broken('1m')} unless ignoring (status) {_broken()}) and {_CODE}\n"
            ") ^ 0",
            "Exists for the minute in which a connection broke or came back.",
        ),
        Recording(
            EXPORT,
            f"max without ({folded}) ({exporting}) == 0",
            "Only where the owner exports nothing: most do.",
        ),
        Recording(
            EXPORT_OFF,
            f"{EXPORT}\nand\nmax without ({folded}) ({exporting} offset 5m) == 1",
            "Exists for five minutes after the export of a connection was switched off.",
        ),
    )


def _broken(ago: str = "") -> str:
    words = "|".join(status for status, code in STATUS_CODES.items() if code >= BROKEN)
    return f'{STATUS}{{status=~"{words}"}}{f" offset {ago}" if ago else ""}'


def _names() -> tuple[Recording, ...]:
    told = (
        f'(max without (status) ({STATUS}{{status!="synced"}}) or max_over_time({CHANGED}[1d]) '
        f"or max_over_time({EXPORT_OFF}[1d]) or {PROBE_FAILED} or {CALENDAR_MISSING}) unless {ACCEPTED}"
    )
    more = ", ".join(("calendar_type", "provider", "schedule", *FOLDED_LABELS))
    info = f"\n  booking_sync_connection_info\n  and ignoring ({more}) ({told})\n"
    installed = ", ".join(TARGET_LABELS)
    return (
        Recording(
            SITE,
            f'max by ({installed}, site) (booking_sync_target_info{{site!=""}})',
            "For the texts of alerts: the label that people know a target by.",
        ),
        Recording(
            CONNECTION,
            f"{one_per(f'max without (provider, schedule) ({newest(info)})', 'calendar_type')}\n"
            f"* on ({installed}) group_left (site) (\n"
            f"  {one_per(SITE, 'site')}\n"
            f"  or ignoring (site) max by ({installed}) ({LISTED}) ^ 0\n)",
            "For the texts of alerts: what people know a connection by, of those that an alert may speak of. A target needs\n"
            "no site for it.",
        ),
    )


def _provider_fails() -> str:
    return f"min without ({', '.join((*FOLDED_LABELS, 'provider'))}) (booking_sync_provider_up) == 0"


def _down(thresholds: Thresholds) -> Recording:
    minimum, within = thresholds.connections_down_least, format_duration(thresholds.connections_down_within)
    lost = f"max_over_time({LOST}[{within}])"
    return Recording(
        DOWN,
        "sum without (connection) (\n"
        f"  {minimum} * {lost} unless {_CODE} unless ignoring (connection) {_provider_fails()}\n"
        f"  or {lost} unless {ACCEPTED}\n"
        f") >= {minimum}\nand {_WORKING} == 0",
        "Exists while no connection of the target works and so many did lately; one that is gone counts for as many, as\n"
        "nothing else tells of it.",
    )
