"""Suppressed alerts of the bundle in an Alertmanager: silences, and inhibitions that are not of the bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from exporter.monitoring.check import alertmanager_config as configs
from exporter.monitoring.check.outcome import CheckResult, missing, ok, some, unknown
from exporter.monitoring.check.sent_alerts import SentAlert
from exporter.monitoring.matchers import Labels, Matcher, Unknown, fits, matchers_of
from exporter.support.redaction import sanitized


class _State(msgspec.Struct):
    state: str = ""


class _SilenceMatcher(msgspec.Struct, rename="camel"):
    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def as_matcher(self) -> Matcher:
        operator = {(True, False): "=", (True, True): "=~", (False, False): "!=", (False, True): "!~"}
        return Matcher(self.name, operator[self.is_equal, self.is_regex], self.value)


class Silence(msgspec.Struct, rename="camel"):
    """A silence as ``/api/v2/silences`` tells it."""

    id: str
    matchers: list[_SilenceMatcher]
    comment: str = ""
    ends_at: str = ""
    status: _State = msgspec.field(default_factory=_State)

    def __str__(self) -> str:
        return f"{self.id} until {self.ends_at[:16]} ({sanitized(self.comment, 80)})"

    def fits(self, alert: SentAlert) -> bool | None:
        """Return whether an alert is silenced; ``None`` where that depends on what it is about."""
        return fits(alert.labels, [one.as_matcher() for one in self.matchers])


def silenced(silences: Sequence[Silence], alerts: Sequence[SentAlert]) -> CheckResult:
    """Say which silences keep back alerts that somebody has to hear of."""
    active = [one for one in silences if one.status.state == "active"]
    whole: dict[str, list[str]] = {}
    part = []
    for silence in active:
        found = [(alert, silence.fits(alert)) for alert in alerts]
        if names := list(dict.fromkeys(alert.name for alert, surely in found if surely and alert.wakes)):
            whole[str(silence)] = names
        elif any(surely is not False for _, surely in found):
            part.append(str(silence))
    if whole:
        text = "; ".join(f"{silence} silences {some(names)}" for silence, names in whole.items())
        return missing(sanitized(text, 400), "expire it if it is not intended: until its end none of these pages is sent")
    return ok(sanitized(f"of tickets or of single targets only: {some(part)}", 400) if part else "none of our alerts")


class Firing(msgspec.Struct):
    """An alert that an Alertmanager has."""

    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Inhibition:
    source: Sequence[Matcher]
    target: Sequence[Matcher]
    equal: Sequence[str]

    def __str__(self) -> str:
        return f"{_joined(self.source)} inhibits {_joined(self.target)}"

    def holds(self, alert: SentAlert, firing: Firing) -> bool | None:
        """Return whether one that fires keeps an alert back."""
        source = Labels(firing.labels)
        if not fits(source, self.source):
            return False
        if fits(alert.labels, self.source) is not False and fits(source, self.target):
            return False  # nothing that is both is kept back by what is both
        same = [_same(alert.labels[name], source[name]) for name in self.equal]
        if False in same or (target := fits(alert.labels, self.target)) is False:
            return False
        return None if None in same else target


def foreign_inhibitions(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], alerts: Sequence[SentAlert], firing: Sequence[Firing]
) -> CheckResult:
    """Say which inhibitions besides the bundle's keep its alerts back, or may do so."""
    found = [one for one in _foreign(ours, theirs) if any(fits(alert.labels, one.target) is not False for alert in alerts)]
    now: dict[str, list[str]] = {}
    for one in found:
        names = [alert.name for alert in alerts if alert.wakes and any(one.holds(alert, source) for source in firing)]
        if names:
            now[str(one)] = list(dict.fromkeys(names))
    fix = 'add a matcher to its target that leaves the bundle\'s out: alertname !~ "Watchdog|BookingSync.+"'
    if now:
        return missing(sanitized("; ".join(f"{one}: now {some(names)}" for one, names in now.items()), 400), fix)
    if found:
        return unknown(sanitized(f"not of the bundle, and may inhibit its alerts: {some(list(map(str, found)))}", 400), fix)
    return ok("none inhibits our alerts")


def _foreign(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[_Inhibition]:
    known = {configs.inhibition(one) for one in configs.mappings(ours.get("inhibit_rules"))}
    for one in configs.mappings(theirs.get("inhibit_rules")):
        if configs.inhibition(one) not in known:
            equal = one.get("equal")
            names = [str(name) for name in equal] if isinstance(equal, list) else []
            yield _Inhibition(matchers_of(one, "source_"), matchers_of(one, "target_"), names)


def _same(one: object, other: object) -> bool | None:
    if one is Unknown.SOME:
        return None if other else False
    return None if one is Unknown.ANY else one == other


def _joined(matchers: Sequence[Matcher]) -> str:
    return ",".join(map(str, matchers))
