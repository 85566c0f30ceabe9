"""Which alert keeps which other one back: one message for one cause."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from exporter.monitoring.inhibited import (
    BLIND,
    KNOWN_OF_A_TARGET,
    OF_BOOKINGS,
    OF_CONNECTIONS,
    OF_EVENTS,
    OF_PROOFS,
    OF_SLOTS,
    OF_TARGETS,
)
from exporter.monitoring.options import Options
from exporter.monitoring.promql import TENANT_LABELS
from exporter.monitoring.rules.targets import ACCESS


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that matches ``source`` fires, those that match ``target`` and agree on ``equal`` are not notified."""

    source: Sequence[str]
    target: Sequence[str]
    equal: Sequence[str]
    comment: str


def _names(*names: str) -> str:
    return f'alertname =~ "{"|".join(names)}"'


_WARNING = 'severity = "warning"'
_CRITICAL = 'severity = "critical"'
_OTHERS = ('alertname =~ "BookingSync.+"', 'alertname != "BookingSyncExporterDown"')
_DARK = (_names("BookingSyncDataExpired", "BookingSyncAccessDenied"), _CRITICAL)
_IN_PART = (_names("BookingSyncDataExpired", "BookingSyncAccessDenied"), _WARNING)
_REFUSED = f'reason =~ "{"|".join(ACCESS)}"'
# Not by severity, which a user may choose (`verdicts:`): the page about many has no reason, the one about many for one has.
_MANY = ('alertname = "BookingSyncManyConnectionsNeedOwner"', _CRITICAL, 'reason = ""')
_MANY_FOR_A_REASON = ('alertname = "BookingSyncManyConnectionsNeedOwner"', 'reason != ""')
_NOT_BESIDES = ('besides = ""',)
_ALL_OF_IT = ('extent = ""',)
_A_PART_OF_IT = ('extent = "part"',)
# A label that neither side has counts as equal; so an installation without clusters or namespaces loses nothing.
_SAME_JOB = (*TENANT_LABELS, "job")
_SAME_PLATFORM = (*_SAME_JOB, "platform")
_SAME_TARGET = (*_SAME_JOB, "target")

_ALL = (
    Inhibition(
        ['alertname = "BookingSyncExporterDown"'],
        _OTHERS,
        _SAME_JOB,
        "The exporter is down, so all other data of its job is old. An exporter in another namespace may still be up.",
    ),
    Inhibition(
        ['alertname = "BookingSyncExporterDown"', 'namespace = ""'],
        _OTHERS,
        ["cluster", "job"],
        "absent() gives the alert no label but job, to which Prometheus adds its external ones: no namespace\nhas an exporter.",
    ),
    Inhibition(
        ['alertname = "BookingSyncShardMissing"'],
        ['alertname = "BookingSyncInstanceDown"'],
        _SAME_JOB,
        "The page about the missing shard has more information than the ticket about its address.",
    ),
    Inhibition(
        ['alertname = "BookingSyncScrapesFailing"', _CRITICAL],
        ['alertname = "BookingSyncScrapesFailing"', _WARNING],
        _SAME_JOB,
        "The page has more information than the ticket.",
    ),
    Inhibition(
        [_names("BookingSyncExporterSlow", "BookingSyncPollsLate")],
        ['alertname = "BookingSyncPollOverdue"'],
        _SAME_JOB,
        "An exporter that has too much to do is one ticket, not one for each of its targets.",
    ),
    Inhibition(
        ['alertname = "BookingSyncNothingAnswers"', *_ALL_OF_IT],
        [_names("BookingSyncPlatformDown", "BookingSyncManyTargetsFailing", "BookingSyncPlatformUnsteady")],
        _SAME_JOB,
        "A fault of the exporter's own network is one page, whatever cannot be reached through it.",
    ),
    Inhibition(
        ['alertname = "BookingSyncNothingAnswers"', *_ALL_OF_IT],
        _DARK,
        _SAME_JOB,
        "The same holds for alerts about each target.",
    ),
    Inhibition(
        ['alertname = "BookingSyncNothingAnswers"', *_ALL_OF_IT],
        [_names(*BLIND), _WARNING],
        _SAME_JOB,
        "The same holds for tickets about earlier states of these targets. A page about bookings lasts as long as its data.",
    ),
    Inhibition(
        ['alertname = "BookingSyncNothingAnswers"', *_ALL_OF_IT],
        ['alertname = "BookingSyncNothingAnswers"', *_A_PART_OF_IT],
        _SAME_JOB,
        "The page about all targets replaces the page about a part of them.",
    ),
    Inhibition(
        ['alertname = "BookingSyncNothingAnswers"', *_A_PART_OF_IT],
        [_names("BookingSyncPlatformDown", "BookingSyncManyTargetsFailing", "BookingSyncPlatformUnsteady"), *_NOT_BESIDES],
        _SAME_JOB,
        "A fault of one shard's network is one page; a fault that began long after has a page of its own.",
    ),
    Inhibition(
        ['alertname = "BookingSyncNothingAnswers"', *_A_PART_OF_IT],
        [*_DARK, *_NOT_BESIDES],
        _SAME_JOB,
        "So it is for the targets of that shard. Tickets about all others stand, for as long as it is not fixed.",
    ),
    Inhibition(
        ['alertname = "BookingSyncPlatformDown"'],
        ['alertname = "BookingSyncManyTargetsFailing"', *_NOT_BESIDES],
        _SAME_PLATFORM,
        "Most are the platform; many that began long after are an incident of their own.",
    ),
    Inhibition(
        ['alertname = "BookingSyncPlatformDown"'],
        [*_DARK, *_NOT_BESIDES],
        _SAME_PLATFORM,
        "One page for the platform instead of one for each of its targets; not for what began long after. Tickets about the\n"
        "targets that answer stand: they may be the smaller part for weeks.",
    ),
    Inhibition(
        ['alertname = "BookingSyncManyTargetsFailing"'],
        _DARK,
        [*_SAME_PLATFORM, "besides"],
        "One page for what these targets have in common; what began long after has one of its own, with another `besides`.\n"
        "Tickets about the platform's other targets stand: a part that is never fixed must not hide them.",
    ),
    Inhibition(
        ['alertname = "BookingSyncPlatformDown"'],
        ['alertname = "BookingSyncPlatformUnsteady"'],
        _SAME_PLATFORM,
        "The page has more information than the ticket.",
    ),
    Inhibition(
        ['alertname = "BookingSyncCredentialRefused"'],
        [_names("BookingSyncAccessDenied", "BookingSyncDataExpired"), _REFUSED],
        [*_SAME_PLATFORM, "credential"],
        "One page for the key instead of one for each of four hundred sites. Targets that fail for another reason keep their "
        "alerts.",
    ),
    Inhibition(
        ['alertname = "BookingSyncCredentialRefused"'],
        [_names("BookingSyncDataStale", "BookingSyncTargetUnsteady")],
        [*_SAME_PLATFORM, "credential"],
        "The page names the reason.",
    ),
    Inhibition(
        ['alertname = "BookingSyncPlatformUnsteady"'],
        ['alertname = "BookingSyncTargetUnsteady"'],
        _SAME_PLATFORM,
        "One ticket for a platform that fails and recovers again and again, instead of one for each of its targets.",
    ),
    Inhibition(
        _MANY,
        [_names("BookingSyncAllConnectionsFailing", "BookingSyncErrorBudgetBurn"), _CRITICAL],
        [*_SAME_PLATFORM, "besides"],
        "One page for what took the calendars of many targets; what broke long after has one of its own, with another\n"
        "`besides`.",
    ),
    Inhibition(
        _MANY,
        [_names("BookingSyncConnection.+")],
        _SAME_PLATFORM,
        "Alerts about single connections add no information; those about other targets wait until the page ends, too.",
    ),
    Inhibition(
        _MANY,
        ['alertname = "BookingSyncErrorBudgetBurn"', _WARNING],
        _SAME_PLATFORM,
        "The same holds for the ticket about the error budget of each target.",
    ),
    Inhibition(
        _MANY,
        _MANY_FOR_A_REASON,
        _SAME_PLATFORM,
        "The page has more information than the ticket.",
    ),
    Inhibition(
        _MANY_FOR_A_REASON,
        [_names("BookingSyncConnectionNeedsOwner", "BookingSyncConnectionError")],
        [*_SAME_PLATFORM, "reason"],
        "One ticket for what happened to the connections of many targets.",
    ),
    Inhibition(
        _MANY_FOR_A_REASON,
        ['alertname = "BookingSyncErrorBudgetBurn"', _WARNING],
        _SAME_PLATFORM,
        "It says why the error budget is used up.",
    ),
    Inhibition(
        ['alertname = "BookingSyncManyCalendarsEmpty"'],
        [_names("BookingSyncNoBookingsAhead", "BookingSyncIntakeSilent")],
        _SAME_PLATFORM,
        "A public holiday is one ticket.",
    ),
    Inhibition(
        ['alertname = "BookingSyncPlatformLimited"'],
        ['alertname = "BookingSyncApiLimited"'],
        _SAME_PLATFORM,
        "One ticket for the limit instead of one for each collector of forty targets.",
    ),
    Inhibition(
        ['alertname = "BookingSyncProviderOutage"'],
        ['alertname = "BookingSyncProviderDown"'],
        [*_SAME_PLATFORM, "provider"],
        "One ticket for the provider instead of one for each of a thousand targets.",
    ),
    Inhibition(
        ['alertname = "BookingSyncProviderOutage"'],
        ['alertname = "BookingSyncConnectionsVanished"'],
        _SAME_PLATFORM,
        "The connections of a provider that fails leave the page when they are too old.",
    ),
    Inhibition(
        _DARK,
        [_names(*(name for name in KNOWN_OF_A_TARGET if name not in OF_TARGETS))],
        _SAME_TARGET,
        "Nothing is known about this target.",
    ),
    Inhibition(
        _DARK,
        [_names(*OF_TARGETS), _WARNING],
        _SAME_TARGET,
        "The page for the target says more than a ticket about a part of it.",
    ),
    Inhibition(
        _DARK,
        [_names(*(name for name in BLIND if name not in KNOWN_OF_A_TARGET))],
        _SAME_TARGET,
        "The same holds for alerts about earlier states of the target.",
    ),
    Inhibition(
        [_names("BookingSyncAccessDenied", "BookingSyncApiLimited"), _WARNING],
        [_names("BookingSyncDataExpired", "BookingSyncDataStale"), _WARNING],
        [*_SAME_TARGET, "collector"],
        "The refusal or the limit says why the data is old or missing.",
    ),
    Inhibition(
        ['alertname = "BookingSyncApiLimited"'],
        ['alertname = "BookingSyncApiBudgetLow"'],
        _SAME_TARGET,
        "If requests are rejected, nothing is left of the budget.",
    ),
    Inhibition(
        [*_IN_PART, 'collector = "connections"'],
        [_names(*OF_CONNECTIONS, "BookingSyncProviderDown"), _WARNING],
        _SAME_TARGET,
        "Nothing is known about the connections of this target.",
    ),
    Inhibition(
        [*_IN_PART, 'collector = "bookings"'],
        [_names(*OF_BOOKINGS, *OF_PROOFS), _WARNING],
        _SAME_TARGET,
        "Nothing is known about the bookings of this target.",
    ),
    Inhibition(
        [*_IN_PART, 'collector = "events"'],
        [_names(*OF_EVENTS), _WARNING],
        _SAME_TARGET,
        "Nothing is known about the private events of this target.",
    ),
    Inhibition(
        [*_IN_PART, 'collector = "slots"'], [_names(*OF_SLOTS), _WARNING], _SAME_TARGET, "Nothing is known about the slots."
    ),
    Inhibition(
        [*_IN_PART, 'collector = "links"'],
        [_names("BookingSyncUnlinkedBookings", "BookingSyncLinksUnverified", "BookingSyncStaffCalendarMismatch"), _WARNING],
        _SAME_TARGET,
        "Nothing is known about the links; what the bookings themselves show stands.",
    ),
    Inhibition(
        ['alertname = "BookingSyncProviderDown"'],
        ['alertname = "BookingSyncConnectionsVanished"'],
        _SAME_TARGET,
        "The connections of a provider that fails leave the page when they are too old. Single connections, errors and double\n"
        "bookings are not silenced: the other providers' data is fresh.",
    ),
    Inhibition(
        ['alertname = "BookingSyncAllConnectionsFailing"'],
        [
            _names(
                "BookingSyncConnection.+",
                "BookingSyncExportSwitchedOff",
                "BookingSyncErrorBudgetBurn",
                "BookingSyncImportSilent",
                "BookingSyncImportFrozen",
                "BookingSyncImportShortened",
                "BookingSyncHeartbeatMissing",
            )
        ],
        _SAME_TARGET,
        "One incident for the target instead of a ticket for each connection.",
    ),
    Inhibition(
        ['alertname = "BookingSyncErrorBudgetBurn"', _CRITICAL],
        [_names("BookingSyncConnectionNeedsOwner", "BookingSyncConnectionError")],
        _SAME_TARGET,
        "One message for the target while its connections are in error; a ticket for what is left of them.",
    ),
    Inhibition(
        ['alertname = "BookingSyncErrorBudgetBurn"', _CRITICAL],
        ['alertname = "BookingSyncErrorBudgetBurn"', _WARNING],
        [*_SAME_TARGET, "slo"],
        "The page makes the ticket about the same budget superfluous.",
    ),
    Inhibition(
        ['alertname = "BookingSyncDoubleBooking"', _CRITICAL],
        ['alertname = "BookingSyncDoubleBooking"', _WARNING],
        _SAME_TARGET,
        "Bookings that overlap tomorrow also do within the week.",
    ),
    Inhibition(
        ['alertname = "BookingSyncExternalConflict"', _CRITICAL],
        ['alertname = "BookingSyncExternalConflict"', _WARNING],
        _SAME_TARGET,
        "The same holds for bookings that private events overlap.",
    ),
    Inhibition(
        ['alertname = "BookingSyncBookingNotInCalendar"', _CRITICAL],
        ['alertname = "BookingSyncBookingNotInCalendar"', _WARNING],
        _SAME_TARGET,
        "And for those that are not in their owner's calendar.",
    ),
    Inhibition(
        ['alertname = "BookingSyncManyBookingsNotInCalendar"'],
        ['alertname = "BookingSyncBookingNotInCalendar"'],
        _SAME_PLATFORM,
        "One page for a sync that stopped instead of one for each of its targets.",
    ),
)

_NAMED: Final = re.compile(r'alertname (=~?) "(.+)"')


def inhibitions(options: Options) -> tuple[Inhibition, ...]:
    """Return those of alerts that there are: what a switched off one would keep back is told."""
    found = (
        replace(one, source=source, target=target)
        for one in _ALL
        if (source := _of_alerts(one.source, options.off)) and (target := _of_alerts(one.target, options.off))
    )
    return tuple(found)


def released(options: Options) -> Iterator[tuple[str, str]]:
    """Yield what is told because another one is switched off: the names of sources and of targets."""
    for one in _ALL:
        if not _of_alerts(one.source, options.off) and (target := _of_alerts(one.target, options.off)):
            yield _name_in(one.source), _name_in(target)


def _of_alerts(matchers: Sequence[str], off: frozenset[str]) -> list[str]:
    """Return matchers without the names that are off; nothing where no name is left."""
    name = next((found for one in matchers if (found := _NAMED.fullmatch(one))), None)
    if not off or name is None:
        return list(matchers)
    left = [one for one in name[2].split("|") if one not in off]
    return [f'alertname {name[1]} "{"|".join(left)}"' if one == name[0] else one for one in matchers] if left else []


def _name_in(matchers: Sequence[str]) -> str:
    return next(found[2].replace("|", ", ") for one in matchers if (found := _NAMED.fullmatch(one)))
