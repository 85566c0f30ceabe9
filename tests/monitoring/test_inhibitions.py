"""Which cause speaks for which of its consequences, and how far: a table of promises, held against the shipped inhibitions.

That Alertmanager reads them as this file does is tested beside it, in ``test_alertmanager.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest

from tests.monitoring.bundle import ALERTS
from tests.monitoring.libyaml import safe_load
from tests.monitoring.promql import labels_of_expression
from tests.monitoring.routes import CONFIG_FILE, Matcher, fits, parts_of


class Rule(NamedTuple):
    """An inhibition as it is shipped, its matchers taken apart."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: frozenset[str]


def shipped(config: dict[str, Any]) -> list[Rule]:
    """Return the inhibitions of a configuration."""
    return [
        Rule(
            tuple(map(parts_of, rule["source_matchers"])),
            tuple(map(parts_of, rule["target_matchers"])),
            frozenset(rule["equal"]),
        )
        for rule in config["inhibit_rules"]
    ]


RULES = shipped(safe_load(CONFIG_FILE.read_text()))

JOB: Final = frozenset({"cluster", "namespace", "job"})
PLATFORM: Final = JOB | {"platform"}
TARGET: Final = JOB | {"target"}
COLLECTOR: Final = TARGET | {"collector"}
Promises = dict[str, frozenset[str]]
"""What a cause keeps back (a page ends with ``!``), each with the labels in which the two must not differ."""


def _all(scope: frozenset[str], names: str) -> Promises:
    return dict.fromkeys(names.split(), scope)


_CALENDARS = (
    "ConnectionNeedsOwner ConnectionError ConnectionDisconnected ConnectionStuck ConnectionUnclear ConnectionsFlapping "
    "ConnectionsVanished ErrorBudgetBurn ConnectionProbeFailed ConnectionCalendarMissing ConnectionsShareAccount"
)
_SHOWN = (
    "DataExpired AccessDenied DataStale ApiLimited ApiBudgetLow PollOverdue WindowIncomplete AnswersNotUnderstood "
    f"{_CALENDARS} StaffUnprotected ProviderDown DoubleBooking DoubleBookingMarked NoBookingsAhead IntakeSilent "
    "StaffCalendarMismatch UnlinkedBookings LinksUnverified ExternalConflict BookedOver ImportSilent ImportFrozen "
    "ImportShortened HeartbeatMissing NoOpenSlots BookingNotInCalendar CalendarShifted CalendarNotBlocking "
    "CancelledBookingStillInCalendar"
)
"""Tickets about what a target shows. Those that an operator has to mend anyway are not among them: its credential ends, series
were dropped."""
_DARK_PAGES = "DataExpired! DataExpired!+ AccessDenied! AccessDenied!+"
_NO_CONNECTIONS = "AllConnectionsFailing! AllConnectionsFailing!+ ErrorBudgetBurn! ErrorBudgetBurn!+"
_DARK = _all(
    TARGET,
    f"{_SHOWN} TargetUnsteady {_NO_CONNECTIONS} DoubleBooking! ExternalConflict! SlotsOverBusy! BookingNotInCalendar! "
    "ProofNeverLearnt",
)
_REFUSED = _all(COLLECTOR, "DataExpired DataStale")
_NO_CALENDARS = _all(TARGET, f"{_CALENDARS} StaffUnprotected ProviderDown")
_NO_BOOKINGS = _all(
    TARGET,
    "DoubleBooking DoubleBookingMarked NoBookingsAhead IntakeSilent UnlinkedBookings BookingNotInCalendar CalendarShifted "
    "CalendarNotBlocking CancelledBookingStillInCalendar",
)
_NO_EVENTS = _all(TARGET, "ExternalConflict BookedOver ImportSilent ImportFrozen ImportShortened HeartbeatMissing")
_NO_LINKS = _all(TARGET, "UnlinkedBookings LinksUnverified StaffCalendarMismatch")
_LIMITED = _all(COLLECTOR, "DataStale DataExpired") | _all(TARGET, "ApiBudgetLow")
_OVERDUE = _all(JOB, "PollOverdue")
_CALENDARS_FAIL = _all(
    TARGET,
    "ExportSwitchedOff ImportSilent ImportFrozen ImportShortened HeartbeatMissing ErrorBudgetBurn! ErrorBudgetBurn!+ "
    f"{_CALENDARS}",
)
_BUDGET_BURNS = _all(TARGET | {"slo"}, "ErrorBudgetBurn") | _all(TARGET, "ConnectionNeedsOwner ConnectionError")

PROMISES: dict[str, Promises] = {
    # The exporter itself: also "ExporterDown!", which keeps back everything of its job.
    "ShardMissing!": _all(JOB, "InstanceDown"),
    "ScrapesFailing!": _all(JOB, "ScrapesFailing"),
    "ExporterSlow": _OVERDUE,
    "PollsLate": _OVERDUE,
    # What many targets share. A page about bookings stands as long as its data do, one about what began long after the others
    # (`besides`, a + here) is held back by nothing but our own network and the key, and by that of its own hour.
    "NothingAnswers!": _all(
        JOB,
        "NETWORK_IN_PART! PlatformDown! ManyTargetsFailing! ManyTargetsFailing!+ PlatformUnsteady TargetUnsteady "
        f"{_DARK_PAGES} {_SHOWN}",
    ),
    "NETWORK_IN_PART!": _all(JOB, "PlatformDown! ManyTargetsFailing! DataExpired! AccessDenied! PlatformUnsteady"),
    "PlatformDown!": _all(PLATFORM, "ManyTargetsFailing! PlatformUnsteady DataExpired! AccessDenied!"),
    "ManyTargetsFailing!": _all(PLATFORM, "DataExpired! AccessDenied!"),
    "ManyTargetsFailing!+": _all(PLATFORM, "DataExpired!+ AccessDenied!+"),
    "PlatformUnsteady": _all(PLATFORM, "TargetUnsteady"),
    "PlatformLimited": _all(PLATFORM, "ApiLimited"),
    "CredentialRefused!": _all(PLATFORM | {"credential", "reason"}, f"{_DARK_PAGES} DataExpired AccessDenied")
    | _all(PLATFORM | {"credential"}, "DataStale TargetUnsteady"),
    "ManyConnectionsNeedOwner!": _all(
        PLATFORM, f"ManyConnectionsNeedOwner AllConnectionsFailing! ErrorBudgetBurn! {_CALENDARS}"
    ),
    "ManyConnectionsNeedOwner!+": _all(
        PLATFORM, f"ManyConnectionsNeedOwner AllConnectionsFailing!+ ErrorBudgetBurn!+ {_CALENDARS}"
    ),
    "ManyConnectionsNeedOwner": _all(PLATFORM | {"reason"}, "ConnectionNeedsOwner ConnectionError")
    | _all(PLATFORM, "ErrorBudgetBurn"),
    "ManyBookingsNotInCalendar!": _all(PLATFORM, "BookingNotInCalendar BookingNotInCalendar!"),
    "ManyCalendarsEmpty": _all(PLATFORM, "NoBookingsAhead IntakeSilent"),
    "ProviderOutage": _all(PLATFORM | {"provider"}, "ProviderDown") | _all(PLATFORM, "ConnectionsVanished"),
    # One target.
    "DataExpired!": _DARK,
    "AccessDenied!": _DARK,
    "DataExpired!+": _DARK,
    "AccessDenied!+": _DARK,
    "AccessDenied/connections": _REFUSED | _NO_CALENDARS,
    "AccessDenied/bookings": _REFUSED | _NO_BOOKINGS,
    "AccessDenied/links": _REFUSED | _NO_LINKS,
    "DataExpired/connections": _NO_CALENDARS,
    "DataExpired/bookings": _NO_BOOKINGS,
    "DataExpired/links": _NO_LINKS,
    "ApiLimited/connections": _LIMITED,
    "ApiLimited/bookings": _LIMITED,
    "ApiLimited/links": _LIMITED,
    "ProviderDown": _all(TARGET, "ConnectionsVanished"),
    "AllConnectionsFailing!": _CALENDARS_FAIL,
    "AllConnectionsFailing!+": _CALENDARS_FAIL,
    "ErrorBudgetBurn!": _BUDGET_BURNS,
    "ErrorBudgetBurn!+": _BUDGET_BURNS,
    "ExternalConflict!": _all(TARGET, "ExternalConflict"),
    "BookingNotInCalendar!": _all(TARGET, "BookingNotInCalendar"),
    "DoubleBooking!": _all(TARGET, "DoubleBooking"),
}


def _kinds() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield alerts as they may fire, all in one place: each by name and severity, some by collector or ``besides``, too."""
    for rule in ALERTS:
        page = "!" if rule["labels"]["severity"] == "critical" else ""
        name = rule["alert"].removeprefix("BookingSync") + page
        labels = dict.fromkeys(labels_of_expression(rule["expr"]) | JOB, "x") | {"alertname": rule["alert"], **rule["labels"]}
        if "reason" in labels:
            labels["reason"] = "auth"
        if "extent" in labels:
            yield "NETWORK_IN_PART!", labels
        elif "besides" in labels:
            yield name, labels | {"besides": ""}
            yield f"{name}+", labels | {"besides": "yes"}
        elif "collector" in labels and name in {"AccessDenied", "DataExpired", "ApiLimited"}:
            yield from ((f"{name}/{one}", labels | {"collector": one}) for one in ("connections", "bookings", "links"))
        else:
            yield name, labels


KINDS: Final = tuple(_kinds())


def keeps_back(rule: Rule, source: Mapping[str, str], target: Mapping[str, str]) -> bool:
    """Return whether an inhibition lets one alert keep back another one."""
    return (
        fits(source, rule.source)
        and fits(target, rule.target)
        # Of two alerts that are a source as well as a target none keeps the other one back.
        and not (fits(source, rule.target) and fits(target, rule.source))
        and all(source.get(label, "") == target.get(label, "") for label in rule.equal)
    )


def _kept_back(source: Mapping[str, str], target: Mapping[str, str]) -> bool:
    return any(keeps_back(rule, source, target) for rule in RULES)


def _promised(source: str) -> Promises:
    if source == "ExporterDown!":
        return {name.partition("/")[0]: JOB for name, labels in KINDS if name != source and labels["alertname"] != "Watchdog"}
    return PROMISES.get(source, {})


@pytest.mark.parametrize("name", dict.fromkeys(name for name, _ in KINDS))
def test_a_cause_keeps_back_what_it_explains_where_it_explains_it_and_nothing_else(name: str) -> None:
    for source in (labels for kind, labels in KINDS if kind == name):
        found: dict[str, set[frozenset[str]]] = {}
        for kind, labels in KINDS:
            target = labels | ({"collector": source["collector"]} if {"collector"} <= set(source) & set(labels) else {})
            if not _kept_back(source, target):
                continue
            differing = {label for label in target if not _kept_back(source, target | {label: "other"})}
            found.setdefault(kind.partition("/")[0], set()).add(
                frozenset(differing - {"alertname", "severity", "besides", "extent"})
            )
        assert {kind: {scope} for kind, scope in _promised(name).items()} == found


def test_a_dead_exporter_without_a_namespace_speaks_for_all_of_its_cluster_and_job_but_for_no_other_exporter() -> None:
    (down,) = (labels for name, labels in KINDS if name == "ExporterDown!")
    nowhere = {label: value for label, value in down.items() if label != "namespace"}
    for name, target in KINDS:
        if target["alertname"] in {"Watchdog", down["alertname"]}:
            assert not _kept_back(nowhere, target), name
            continue
        assert _kept_back(nowhere, target), name
        assert not _kept_back(nowhere, target | {"cluster": "other"}), name
        assert not _kept_back(nowhere, target | {"job": "other"}), name


def test_what_is_promised_is_about_alerts_that_there_are() -> None:
    names = {name for name, _ in KINDS}
    assert set(PROMISES) <= names
    assert {kind for promised in PROMISES.values() for kind in promised} <= {name.partition("/")[0] for name in names}


@pytest.mark.parametrize("label", ["cluster", "namespace"])
@pytest.mark.parametrize("side", [0, 1], ids=["source", "target"])
def test_an_alert_without_a_cluster_or_a_namespace_is_of_another_installation_than_one_that_has_it(
    label: str, side: int
) -> None:
    for name, source in KINDS:
        for _, target in KINDS:
            pair = [dict(source), dict(target)]
            del pair[side][label]
            # Without a namespace there is no exporter of the job in any: that one speaks for all.
            if (name, label, side) != ("ExporterDown!", "namespace", 0):
                assert not _kept_back(*pair), pair


def test_what_stands_for_alerts_that_all_forget_forgets_as_they_do() -> None:
    def matched(matchers: tuple[Matcher, ...]) -> list[dict[str, str]]:
        named = [one for one in matchers if one[0] == "alertname"]
        return [alert for alert in ALERTS if named and fits({"alertname": alert["alert"]}, named)]

    leads = {
        alert["alert"]: "forgets" in alert["labels"]
        for rule in RULES
        for alert in matched(rule.source)
        if (kept := matched(rule.target)) and all("forgets" in one["labels"] for one in kept)
    }
    assert {"BookingSyncManyCalendarsEmpty": True} == {name: leads[name] for name in leads if "Many" in name}
