"""What is recorded of each target: whether it answers and why not, how old its data are, what is left of its budgets."""

from __future__ import annotations

from typing import Final

from exporter.errors import Reason
from exporter.monitoring.promql import TYPE_LABELS, newest, one_per
from exporter.monitoring.rules.recording import Recording, RecordingGroup
from exporter.state.verdict import LIMITS

ACCESS: Final = (Reason.AUTH, Reason.PERMISSION, Reason.NOT_ENTITLED)
"""What a person has to allow again."""

LIMITED: Final = tuple(reason for reason in Reason if reason in LIMITS)
"""What says of a target nothing but that it is asked too much."""

UP: Final = "collector:booking_sync_collector_up:max"
ANSWERING: Final = "collector:booking_sync_answering:max"
AVAILABLE: Final = "collector:booking_sync_data_available:max"
FAILING: Final = "target:booking_sync_target_failing:max"
DARK: Final = "target:booking_sync_target_dark:max"
CREDENTIAL: Final = "target:booking_sync_credential:info"
LATEST: Final = "collector_reason:booking_sync_collector_failing:max"
WHY: Final = "collector_reason:booking_sync_failing:info"
WHY_FAILING: Final = "target_reason:booking_sync_failing:info"
PROVIDER: Final = "provider:booking_sync_provider_up:max"
BUDGET: Final = "target_budget:booking_sync_api_budget_remaining:ratio"
COMPLETE: Final = "collector_window:booking_sync_window_complete:max"
OUTAGE: Final = "collector:booking_sync_provider_outage:max"
_AGE: Final = "collector:booking_sync_data_age:seconds"
OVERDUE: Final = "collector:booking_sync_poll_overdue:ratio"
_INTERVAL: Final = newest("booking_sync_collector_interval_seconds")
_SLACK: Final = 60
"""Seconds by which a poll may be late or long."""


def of_reasons(*reasons: Reason) -> str:
    """Return a matcher of the label ``reason``."""
    return f'reason=~"{"|".join(reasons)}"'


def but_reasons(*reasons: Reason) -> str:
    """Return a matcher of every other ``reason``."""
    return f'reason!~"{"|".join(reasons)}"'


def target_recordings() -> RecordingGroup:
    """Return what is recorded of each target and collector."""
    return RecordingGroup("booking-sync-targets", "1m", (*_answers(), *_data(), *_failures(), *_account()))


def _untyped(expression: str) -> str:
    return f"max without ({', '.join(TYPE_LABELS)}) ({expression})"


def _by_its_own_clock(moment: str) -> str:
    """Return how long ago ``moment`` of a collector was: the clock of Prometheus may be another."""
    return newest(f"booking_sync_time_seconds\n  - ignoring (target, platform, collector) group_right ()\n  ({moment})", "min")


def _outage(up: str, collector: str) -> str:
    return f'label_replace(\n  1 - min without (provider) ({up}),\n  "collector", "{collector}", "", ""\n)'


def _answers() -> tuple[Recording, ...]:
    return (
        Recording(
            UP,
            f"{newest('booking_sync_collector_up')}\nand {newest('booking_sync_collector_polls_total')} > 0",
            "A collector that has not finished its first poll is 0, which is no failure yet.",
        ),
        Recording(PROVIDER, newest("booking_sync_provider_up")),
        Recording(
            OUTAGE,
            f"{_outage('provider:booking_sync_provider_up:max', 'connections')}\nor\n"
            f"{_outage(newest('booking_sync_external_events_up'), 'events')}",
            "1 while a calendar provider cannot be read. The poll counts as failed, yet the data of the other providers\n"
            "are fresh: no reason to call the collector silent. The series lives only as long as the data do.",
        ),
        Recording(ANSWERING, f"{OUTAGE} == 1 or {UP}", "1 when the last poll brought data, if only in part."),
    )


def _data() -> tuple[Recording, ...]:
    kept = f"1 - {_untyped('booking_sync_collector_data_expired')}"
    came = f"{_untyped('booking_sync_collector_last_success_timestamp_seconds')} > 0"
    overdue = _by_its_own_clock("booking_sync_collector_next_poll_timestamp_seconds")
    return (
        Recording(
            AVAILABLE,
            f"{OUTAGE} == 1\nor\n{newest(f'{kept} and {came}')}\nor\n{UP} == 0",
            "1 while some replica shows data, 0 when they expired or never came, absent before the first poll ended.",
        ),
        Recording(
            _AGE,
            _by_its_own_clock("booking_sync_collector_last_success_timestamp_seconds > 0"),
            "Age of the last poll that succeeded fully.",
        ),
        Recording(
            "collector:booking_sync_data_age:ratio",
            f"{_AGE} / {_INTERVAL}",
            "The same in poll intervals: a collector that asks every 15 minutes is not late after ten.",
        ),
        Recording(
            OVERDUE,
            f"{overdue} / {_INTERVAL}",
            "By how many intervals the next poll is overdue; below 0 while its time has not come.",
        ),
        Recording(COMPLETE, newest("booking_sync_window_complete")),
    )


def _failures() -> tuple[Recording, ...]:
    answers = f"max without (collector) ({ANSWERING})"
    limited = f"max without (collector, reason) ({LATEST}{{{of_reasons(*LIMITED)}}})"
    failing = f"max without (reason) ({LATEST}{{{but_reasons(*LIMITED)}}})"
    return (
        Recording(
            LATEST,
            f"{newest('booking_sync_collector_failing')}\nunless ignoring (reason) {ANSWERING} == 1",
            "Why the newest poll of a collector brought nothing.",
        ),
        Recording(
            WHY,
            _remembered(WHY, LATEST),
            "One reason for each, which stays while polls fail: words that change from poll to poll are one alert.",
        ),
        Recording(
            DARK,
            f"1 - max without (collector) ({AVAILABLE}) == 1\nor\n1 - {answers} == 1 unless {limited}\nor\n0 * {answers}",
            "1 while no collector has data, or the newest polls of all failed for another reason than a limit.",
        ),
        Recording(
            FAILING,
            f"{DARK} == 1\n"
            f"or\n  max without (collector) ({failing})\n"
            "  unless\n"
            f"    max without (collector) ({_AGE} - {_INTERVAL} and {failing} or Inf * {failing})\n"
            f"    - min without (collector) ({_AGE} and {UP} == 1)\n"
            f"    > {_SLACK}\n"
            f"or\n0 * {DARK}",
            "1 as soon as one collector fails and no other one has succeeded since. Of a cause that many targets share this\n"
            "tells within an interval of their fast collectors; they are dark only after one of the slowest.",
        ),
        Recording(
            WHY_FAILING,
            _remembered(WHY_FAILING, WHY, "max without (collector) ({})"),
            "The reason of a target of which a collector fails.",
        ),
    )


def _remembered(record: str, now: str, fold: str = "{}") -> str:
    """Return one reason for each series of ``now``, a metric, the gravest; and the same one until the series ends.

    ``fold`` is what is done to the series before.
    """
    ranks = (of_reasons(*ACCESS), but_reasons(*ACCESS, *LIMITED), of_reasons(*LIMITED))
    return "\nor ignoring (reason)\n".join(
        f"(last_over_time({record}{{{rank}}}[5m]) and ignoring (reason) {fold.format(now)})\n"
        f"or ignoring (reason)\n{one_per(fold.format(f'{now}{{{rank}}}'), 'reason')}"
        for rank in ranks
    )


def _account() -> tuple[Recording, ...]:
    return (
        Recording(CREDENTIAL, one_per(newest("booking_sync_credential_info"), "credential")),
        Recording(
            BUDGET,
            f"{newest('booking_sync_api_budget_remaining', 'min')}\n/ ({newest('booking_sync_api_budget_limit')} > 0)",
        ),
    )
