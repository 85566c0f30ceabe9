"""What no row of the table of verdicts judges, and the alerts that tell of it. ``docs/verdicts.md`` and the board list it."""

from __future__ import annotations

from typing import Final

import msgspec


class AlertsOnly(msgspec.Struct, frozen=True):
    """Something that needs a long history or many targets, so that no row judges it: what, and by which alerts."""

    what: str
    alerts: tuple[str, ...]


ALERTS_ONLY: Final = (
    AlertsOnly("the error budget", ("BookingSyncErrorBudgetBurn",)),
    AlertsOnly("drift between platforms", ("BookingSyncPlatformDrift",)),
    AlertsOnly(
        "bookings and connections that vanish",
        ("BookingSyncNoBookingsAhead", "BookingSyncBookingsVanished", "BookingSyncConnectionsVanished"),
    ),
    AlertsOnly(
        "a connection that flaps, or no longer exports",
        ("BookingSyncConnectionsFlapping", "BookingSyncExportSwitchedOff"),
    ),
    AlertsOnly(
        "connections and bookings of many targets at once",
        ("BookingSyncManyConnectionsNeedOwner", "BookingSyncManyCalendarsEmpty", "BookingSyncManyBookingsNotInCalendar"),
    ),
    AlertsOnly(
        "a target or a platform that fails and recovers again and again",
        ("BookingSyncTargetUnsteady", "BookingSyncPlatformUnsteady"),
    ),
    AlertsOnly(
        "the exporter itself and the alerting",
        (
            "Watchdog",
            "BookingSyncExporterDown",
            "BookingSyncInstanceDown",
            "BookingSyncScrapesFailing",
            "BookingSyncRestartsOften",
            "BookingSyncReplicaBlind",
            "BookingSyncReplicasDisagree",
            "BookingSyncExporterSlow",
            "BookingSyncPollsLate",
            "BookingSyncRuleFailures",
            "BookingSyncClockSkewed",
            "BookingSyncScrapeGrew",
            "BookingSyncSeriesDropped",
            "BookingSyncAnswersNotUnderstood",
        ),
    ),
    AlertsOnly(
        "faults that many targets share: a platform, a credential, a calendar provider, the network of the host",
        (
            "BookingSyncNothingAnswers",
            "BookingSyncCredentialRefused",
            "BookingSyncPlatformDown",
            "BookingSyncManyTargetsFailing",
            "BookingSyncProviderOutage",
            "BookingSyncPlatformLimited",
        ),
    ),
    AlertsOnly("a pair that proves nothing", ("BookingSyncProofNeverLearnt",)),
    AlertsOnly("a missing shard", ("BookingSyncShardMissing",)),
)
