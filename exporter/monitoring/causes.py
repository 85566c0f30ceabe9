"""What is wrong now, one series for one cause: alerts that fire, alerts that wait, and what no alert says yet.

Inhibitions apply as in Alertmanager. It does not let an alert speak while another fires; of what does not fire yet, nothing is
said while something is known that will hold it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from exporter.monitoring.alerts import AlertSeverity, FixedBy, alert_groups
from exporter.monitoring.inhibitions import Inhibition, inhibitions
from exporter.monitoring.options import Options
from exporter.monitoring.promql import JOB_LABELS, RECENT
from exporter.monitoring.rules import Recording, RecordingGroup
from exporter.monitoring.rules.connections import REASON
from exporter.monitoring.rules.extent import FEW
from exporter.monitoring.rules.health import FINDINGS, LAST_SUCCESS, OF_COLLECTORS, SINCE_STATUS
from exporter.monitoring.rules.many import DOWN_TARGETS, EMPTY_TARGETS
from exporter.monitoring.rules.proof import NOT_THERE_TARGETS
from exporter.monitoring.rules.shared import CREDENTIAL_REFUSED, JOB_PART, PLATFORM_FAILING, PLATFORM_LIMITED
from exporter.monitoring.rules.targets import DARK
from exporter.monitoring.rules.unsteady import UNSTEADY_TARGETS
from exporter.state.verdict_row import Verdict

TROUBLE: Final = "trouble:booking_sync_health:code"
ALIKE: Final = "alike:booking_sync_targets:count"
TOLD: Final = "told:booking_sync_health:code"
CAUSE: Final = "cause:booking_sync_health:code"
SINCE: Final = "cause:booking_sync_health:since"
TARGETS: Final = "cause:booking_sync_targets:count"

SEEN: Final = "seen"
"""The ``alertstate`` of what no alert says yet, beside ``firing`` and ``pending``."""

CODES: Final[Mapping[AlertSeverity, int]] = {
    AlertSeverity.CRITICAL: Verdict.CRITICAL,
    AlertSeverity.WARNING: Verdict.WARNING,
    AlertSeverity.INFO: Verdict.OK,
}
"""Severities as the numbers of the verdicts, the worse the higher."""

_ALERTS: Final = 'alertname=~"BookingSync.+"'
_FIRES, _WAITS = 'alertstate="firing"', 'alertstate!="firing"'
_PLATFORM: Final = (*JOB_LABELS, "platform")
_TARGET: Final = (*_PLATFORM, "target")
_KIND: Final = (*_PLATFORM, "alertname", "reason", "provider", "fixed_by")
TIERS: Final = ("severity", "slo", "long", "short", "forgets", "symptom", "window", "status")
"""Labels in which several alerts about one cause differ."""
NAMED: Final = ("alertstate", "credential", "calendar_type", "site")
"""Labels of a cause that come and go while it lasts."""


def cause_recordings(options: Options) -> RecordingGroup:
    """Return what is recorded of that which is wrong now."""
    return RecordingGroup(
        "booking-sync-causes", "1m", (_trouble(options), _told(options), _alike(), _cause(), _since(), _targets())
    )


def _by(labels: tuple[str, ...]) -> str:
    return f"({', '.join(labels)})"


def _labelled(expression: str, label: str, value: str, by: str = "", pattern: str = "") -> str:
    return f'label_replace({expression}, "{label}", "{value}", "{by}", "{pattern}")'


def _trouble(options: Options) -> Recording:
    alerts = "\nor ".join(f'{code:d} * ALERTS{{{_ALERTS},severity="{severity}"}}' for severity, code in CODES.items())
    now = "\n  or ".join(FINDINGS)
    seen = f"\n  {now}\n"
    fixers: dict[FixedBy, set[str]] = defaultdict(set)
    for group in alert_groups(options):
        for alert in group.alerts:
            fixers[alert.fixed_by].add(alert.name)
    for fixer, names in fixers.items():
        seen = _labelled(seen, "fixed_by", fixer, "alertname", "|".join(sorted(names)))
    told = _by((*_TARGET, "alertname", "connection", "collector", "provider"))
    # A failed scrape ends what is found; alerts bridge it by themselves.
    bridged = f'last_over_time({TROUBLE}{{alertstate="{SEEN}"}}[{RECENT}]) unless on {_by(_TARGET)} {DARK}'
    return Recording(
        TROUBLE,
        f"{_labelled(alerts, 'reason', '$1', 'status', '(.+)')}\n"
        f"or\n(\n{_labelled(seen, 'alertstate', SEEN)}\nor\n{bridged}\n)\nunless on {told} ALERTS{{{_ALERTS}}}",
        "Alerts that fire or wait, and what is found before an alert waits for it.",
    )


def _told(options: Options) -> Recording:
    # What a user switched off is found all the same, and would wait for ever for its alert.
    wanted = f'{{alertname!~"{"|".join(sorted(options.off))}"}}' if options.off else ""
    return Recording(
        TOLD,
        f"{TROUBLE}{wanted}\nunless (\n  " + "\n  or\n  ".join(map(_kept_back, inhibitions(options))) + "\n)",
        "Without alerts that Alertmanager inhibits because of another alert.",
    )


def _kept_back(inhibition: Inhibition) -> str:
    def matching(matchers: tuple[str, ...]) -> str:
        return f"{TROUBLE}{{{','.join(matchers)}}}"

    source, target = (
        tuple("".join(matcher.split(" ", 2)) for matcher in side) for side in (inhibition.source, inhibition.target)
    )
    equal = _by(tuple(inhibition.equal))
    return (
        f"{matching((*target, _FIRES))} and on {equal} {matching((*source, _FIRES))}\n"
        f"  or {matching((*target, _WAITS))} and on {equal} {matching(source)}"
    )


def _alike() -> Recording:
    waits = f'{TOLD}{{{_WAITS},target!=""}}'
    return Recording(
        ALIKE,
        f"count by {_by(_KIND)} (count by {_by((*_KIND, 'target'))} ({waits})) >= {FEW}",
        "How many targets have the same, where they are many and have no alert that fires.",
    )


def _cause() -> Recording:
    pending, seen = (
        _labelled(
            f'max by {_by(_KIND)} ({TOLD}{{alertstate="{state}",target!=""}} and on {_by(_KIND)} {ALIKE})', "alertstate", state
        )
        for state in ("pending", SEEN)
    )
    single = f"{TOLD}{{{_WAITS}}} unless on {_by(_KIND)} {ALIKE}"
    return Recording(
        CAUSE,
        f"max without {_by(TIERS)} (\n  {TOLD}{{{_FIRES}}}\n  or\n  {single}\n)\n"
        f"or\n{pending}\nor ignoring (alertstate)\n{seen}",
        "What many targets have alike is one cause until each of them has an alert that fires.",
    )


def _of(matchers: str) -> str:
    return f"max without {_by(NAMED)} ({CAUSE}{{{matchers}}})"


def _since() -> Recording:
    last = f"max by {_by(_TARGET)} (last_over_time({LAST_SUCCESS}[{RECENT}]))"
    polls = 'alertname=~"BookingSync(AccessDenied|DataExpired|DataStale|ApiLimited)"'
    shared = 'alertname=~"BookingSync(PlatformDown|ManyTargetsFailing|CredentialRefused|AccessDenied|DataExpired)",target=""'
    down = 'alertname=~"BookingSync(ManyConnectionsNeedOwner|ConnectionNeedsOwner|ConnectionError)",target=""'
    connection, collector, of_reason = (*_TARGET, "connection"), (*_TARGET, "collector"), (*_PLATFORM, "reason")
    status = f"last_over_time({SINCE_STATUS}[{RECENT}])"
    moments = (
        ('connection!=""', connection, f"min by {_by(connection)} ({status})"),
        (f'{polls},collector!=""', collector, f"max by {_by(collector)} (last_over_time({LAST_SUCCESS}[{RECENT}]))"),
        (f'{polls},collector="",target!=""', _TARGET, last),
        (
            f'{down},reason!=""',
            of_reason,
            f"quantile by {_by(of_reason)} (0.5, {status} * on {_by(connection)} group_right () {REASON})",
        ),
        (f'{down},reason=""', _PLATFORM, f"quantile by {_by(_PLATFORM)} (0.5, {status} and on {_by(connection)} {REASON})"),
        (shared, _PLATFORM, f"quantile by {_by(_PLATFORM)} (0.5, {last})"),
        ('alertname="BookingSyncNothingAnswers"', JOB_LABELS, f"quantile by {_by(JOB_LABELS)} (0.5, {last})"),
    )
    told = "\nor\n".join(
        f"0 * {_of(matchers)}\n+ on {_by(labels)} group_left () (\n  {moment}\n)" for matchers, labels, moment in moments
    )
    return Recording(
        SINCE,
        f"{told}\nor\nlast_over_time({SINCE}[5m]) and {_of('')}\nor\n0 * {_of('')} + time()",
        "When it began: since when a connection is as it is, when a poll last succeeded (of many: that of the one in the\n"
        "middle), else when it was first seen.",
    )


def _targets() -> Recording:
    many = {
        "ProviderOutage": ((*_PLATFORM, "provider"), f'{OF_COLLECTORS}{{alertname="BookingSyncProviderDown"}}'),
        "CredentialRefused": ((*_PLATFORM, "credential"), CREDENTIAL_REFUSED),
        "PlatformDown|BookingSyncManyTargetsFailing": (_PLATFORM, PLATFORM_FAILING),
        "PlatformLimited": (_PLATFORM, PLATFORM_LIMITED),
        "PlatformUnsteady": (_PLATFORM, UNSTEADY_TARGETS),
        "ManyConnectionsNeedOwner": (_PLATFORM, DOWN_TARGETS),
        "ManyCalendarsEmpty": (_PLATFORM, EMPTY_TARGETS),
        "ManyBookingsNotInCalendar": (_PLATFORM, NOT_THERE_TARGETS),
        "NothingAnswers": (JOB_LABELS, f"{JOB_PART} or sum without (platform) ({PLATFORM_FAILING})"),
    }
    numbers = "\nor\n".join(
        f'0 * {CAUSE}{{target="",alertname=~"BookingSync{names}"}}\n'
        f"+ on {_by(labels)} group_left () sum by {_by(labels)} ({number})"
        for names, (labels, number) in many.items()
    )
    return Recording(
        TARGETS,
        f'{numbers}\nor\n0 * {CAUSE}{{target="",platform!="",{_WAITS}}}\n+ on {_by(_KIND)} group_left () {ALIKE}\n'
        f'or\n{CAUSE}{{target!=""}} ^ 0\nor\n0 * {CAUSE}',
        "How many targets one cause concerns; 0 where it is about the exporter.",
    )
