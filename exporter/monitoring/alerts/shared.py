"""Alerts about what many targets share: one page for one cause.

They fire before those of the single targets do, and go on until the last target has been asked again; meanwhile they keep
those back. That a cause lasts is asked of what is recorded: a Prometheus that starts again forgets a ``for`` of less than ten
minutes, and remembers those of the single targets.
"""

from __future__ import annotations

from typing import Final

from exporter.model import Message
from exporter.monitoring.alerts.alert import Alert, AlertGroup, AlertSeverity, Dashboard, FixedBy
from exporter.monitoring.alerts.chosen import severity_of
from exporter.monitoring.alerts.wording import number
from exporter.monitoring.options import Options
from exporter.monitoring.rules.extent import FEW, MANY, a_part_or_most
from exporter.monitoring.rules.shared import (
    BESIDES_TARGETS,
    CREDENTIAL_REFUSED,
    CREDENTIAL_TARGETS,
    JOB_CUT_OFF,
    JOB_PART,
    PLATFORM_FAILING,
    PLATFORM_LIMITED,
    PLATFORM_PART,
    PLATFORM_SHARE,
    PLATFORM_TARGETS,
)
from exporter.state.verdict_row import Kind

KEEP: Final = "20m"
"""Longer than the longest back-off after a refusal, so that the last target is well before what keeps it back is over."""

IN_PART: Final = {"extent": "part"}
"""What tells the page about a part of all platforms from the one about all of them."""

_CUT_OFF: Final = "Several booking platforms cannot be reached."
_LOOK_AT_THE_HOST: Final = (
    "The exporter's operator looks at the network, the DNS and the proxy of the host that the exporter runs on; of several "
    "shards that is the one whose targets fail, as the board shows."
)
_PROVIDER: Final = "provider:booking_sync_provider_up:max"


def shared_alerts(options: Options) -> AlertGroup:
    """Return the alerts about causes that many targets have in common."""
    return AlertGroup("booking-sync-shared-alerts", (*_network(), _credential(), *_platform(), _provider(options), _limited()))


def _lasting(condition: str, minutes: int) -> str:
    """Return what holds once ``condition`` (of recorded series) held for so many minutes; three missing ones do not matter."""
    return f"count_over_time((\n  {condition}\n)[{minutes + 4}m:1m]) > {minutes}"


def _network() -> tuple[Alert, ...]:
    return (
        Alert(
            name="BookingSyncNothingAnswers",
            expr=f"last_over_time({JOB_CUT_OFF}[5m]) > 0.9\nand {_lasting(f'{JOB_CUT_OFF} > 0.9', 5)}",
            hold="",
            keep=KEEP,
            severity=AlertSeverity.CRITICAL,
            fixed_by=FixedBy.OPERATOR,
            summary=_CUT_OFF,
            until_morning="Nothing is known about any target; customers notice double bookings and disconnected calendars "
            "first.",
            description=Message(
                "%(affected)s of %(all)s targets of all platforms cannot be reached: the network of the exporter's host is "
                "cut off.",
                affected=number(PLATFORM_FAILING, operator="sum"),
                all=number(PLATFORM_TARGETS, operator="sum"),
            ),
            fix=_LOOK_AT_THE_HOST,
            board=Dashboard.FLEET,
            link=("job",),
            comment="Two platforms do not fail at once. Five minutes are the interval of the slower one; a router starts\n"
            "within.",
        ),
        Alert(
            name="BookingSyncNothingAnswers",
            expr=f"last_over_time({JOB_PART}[5m])\nunless max_over_time({JOB_CUT_OFF}[18m]) > 0.9\nand {_lasting(JOB_PART, 7)}",
            hold="",
            keep=KEEP,
            severity=AlertSeverity.CRITICAL,
            fixed_by=FixedBy.OPERATOR,
            labels=IN_PART,
            summary=_CUT_OFF,
            until_morning="Nothing is known about these targets; customers notice double bookings and disconnected calendars "
            "first.",
            description=Message(
                "{{ $value }} of %(all)s targets, of several platforms at once, cannot be reached: most likely the network "
                "of one shard or one route to the internet is cut off.",
                all=number(PLATFORM_TARGETS, operator="sum"),
            ),
            fix=_LOOK_AT_THE_HOST,
            board=Dashboard.FLEET,
            link=("job",),
            comment="Parts of two platforms do not fail at once, either. While targets come back after nothing answered this\n"
            "is no news; if some stay away, it fires before that is over.",
        ),
    )


def _credential() -> Alert:
    return Alert(
        name="BookingSyncCredentialRefused",
        expr=f"last_over_time({CREDENTIAL_REFUSED}[5m])\nand {_lasting(CREDENTIAL_REFUSED, 8)}",
        hold="",
        keep=KEEP,
        severity=AlertSeverity.CRITICAL,
        fixed_by=FixedBy.ADMINISTRATOR,
        summary="A credential that many targets share is refused.",
        until_morning="Nothing is known about these targets; customers notice problems there first.",
        description=Message(
            "{{ $labels.platform }} refuses the credential {{ $labels.credential }} for {{ $value }} of %(all)s targets.",
            all=number(CREDENTIAL_TARGETS, ("platform", "credential")),
        ),
        fix=(
            "An administrator of the account issues a new credential, or restores the rights of the old one; the exporter's "
            "operator replaces the old one and reloads. The exporter polls the refused targets again within 15 minutes."
        ),
        board=Dashboard.FLEET,
        link=("job",),
        comment="Within eight minutes a target that is refused in part only has shown it.",
    )


def _platform() -> tuple[Alert, ...]:
    affected, share = f"last_over_time({PLATFORM_FAILING}[5m])", f"last_over_time({PLATFORM_SHARE}[5m])"
    network = f"unless ignoring (platform) last_over_time({JOB_CUT_OFF}[5m]) > 0.9"
    cut_off = f"({JOB_CUT_OFF} > 0.9 or {JOB_PART})"
    most = f"{PLATFORM_FAILING} >= 2 and {PLATFORM_SHARE} > 0.5 unless ignoring (platform) {cut_off}"
    how_many = Message(
        "{{ $value }} of %(all)s targets of {{ $labels.platform }} get no answer.",
        all=number(PLATFORM_TARGETS, ("platform",)),
    )
    return (
        Alert(
            name="BookingSyncPlatformDown",
            expr=f"{affected} >= 2\nand {share} > 0.5\n{network}\nand {_lasting(most, 8)}",
            hold="",
            keep=KEEP,
            severity=AlertSeverity.CRITICAL,
            fixed_by=FixedBy.PLATFORM,
            summary="A booking platform answers for few of its targets.",
            until_morning="Nothing is known about these targets; if the platform itself is down, customers cannot book there, "
            "either.",
            description=how_many,
            fix=(
                "The exporter's operator looks at the status page of the platform, then tries to reach the platform from "
                "another network. If the platform has a fault, the operator waits until it ends."
            ),
            board=Dashboard.FLEET,
            link=("job",),
            comment="One page for an outage of the platform, not one for each of a thousand targets.",
        ),
        Alert(
            name="BookingSyncManyTargetsFailing",
            expr=(
                f"last_over_time({BESIDES_TARGETS}[5m]) >= {FEW}\n"
                f"unless ignoring (platform, besides) max_over_time({JOB_CUT_OFF}[18m]) > 0.9\nor\n"
                f"last_over_time({PLATFORM_PART}[5m])\nunless max_over_time({PLATFORM_SHARE}[18m]) > 0.5\n{network}\n"
                f"and {_lasting(PLATFORM_PART, 6)}"
            ),
            hold="",
            keep=KEEP,
            after="10m",
            severity=AlertSeverity.CRITICAL,
            fixed_by=FixedBy.OPERATOR,
            summary="A part of a platform's targets gets no answer.",
            until_morning="Nothing is known about these targets; customers notice problems there first.",
            description=Message(
                "{{ if $labels.besides }}{{ $value }} of the {{ $labels.platform }} targets get no answer, besides those that "
                "have failed for longer.{{ else }}%(how_many)s{{ end }}",
                how_many=how_many,
            ),
            fix=(
                "The exporter's operator looks for what these targets have in common: an address that the platform blocks, a "
                "proxy, an account, a part of the platform."
            ),
            board=Dashboard.FLEET,
            link=("job",),
            comment="While most targets of a platform come back this is no new page. If some stay away, it fires before\n"
            "BookingSyncPlatformDown is over: 18 minutes are less than its 20. With `besides`: what is never fixed\n"
            "hides no other incident.",
        ),
    )


def _provider(options: Options) -> Alert:
    down = f"1 - last_over_time({_PROVIDER}[5m])"
    return Alert(
        name="BookingSyncProviderOutage",
        expr=(
            f"sum without (target) ({down}) >= 2 and avg without (target) ({down}) > 0.2\n"
            f"or sum without (target) ({down}) >= {MANY}"
        ),
        hold="5m",
        keep=KEEP,
        severity=severity_of(options, Kind.PROVIDER_FAILING),
        fixed_by=FixedBy.PLATFORM,
        summary="A calendar provider cannot be read at many targets.",
        until_morning="Calendars of this provider are not synchronised: a slot that is taken there can be booked a second "
        "time.",
        description=Message(
            "Provider {{ $labels.provider }} fails for {{ $value }} of %(all)s {{ $labels.platform }} targets. Their "
            "connections are shown as last known until they are too old.",
            all=number(_PROVIDER, ("platform", "provider"), operator="count"),
        ),
        fix="Wait for the provider; nobody else can fix it. Until then the front desks treat these calendars as unverified.",
        board=Dashboard.FLEET,
        link=("job",),
    )


def _limited() -> Alert:
    return Alert(
        name="BookingSyncPlatformLimited",
        expr=f"last_over_time({PLATFORM_LIMITED}[5m])\nand {_lasting(a_part_or_most(PLATFORM_LIMITED, PLATFORM_TARGETS), 8)}",
        hold="",
        keep=KEEP,
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.OPERATOR,
        summary="A booking platform limits the exporter at many targets.",
        until_morning="The exporter keeps waiting; the data that is shown gets older, and an alert pages when no fresh data is "
        "left.",
        description=Message(
            "{{ $labels.platform }} rejects polls of {{ $value }} of %(all)s targets because it gets too many requests.",
            all=number(PLATFORM_TARGETS, ("platform",)),
        ),
        fix=(
            "The exporter's operator raises the intervals; where one key serves these targets, an administrator of the account "
            "gives other clients of it a key of their own."
        ),
        board=Dashboard.FLEET,
        link=("job",),
        comment="One ticket for what one key, one address or one busy hour does to many; less than the 15 minutes of a target.",
    )
