"""Where the alerts of the bundle arrive in the tree of routes that an Alertmanager runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from exporter.monitoring.check import alertmanager_config as configs
from exporter.monitoring.check.intervals import Calendar, names_of
from exporter.monitoring.check.outcome import CheckResult, missing, ok, reasons, some, unknown
from exporter.monitoring.check.sent_alerts import SentAlert
from exporter.monitoring.matchers import Labels, fits, matchers_of
from exporter.support.redaction import sanitized

_MEND: Final = (
    "put the bundle's route before the others, write `continue: true` into those, or remove the mute times; put intended "
    "routes under `extra` of monitoring.yml"
)
_NOBODY: Final = "nobody is behind "
_NAME_SOMEBODY: Final = "give the receiver an address under `receivers` of monitoring.yml; a rehearsal reaches nobody"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A route in which an alert ends, and whom it goes to."""

    route: Mapping[str, Any]
    receiver: str

    def __str__(self) -> str:
        return ",".join(map(str, matchers_of(self.route))) or "the one of all"


def leaves(config: Mapping[str, Any], labels: Labels) -> Sequence[Leaf]:
    """Return the routes in which an alert surely ends, as long as nothing more than ``labels`` is known of it."""
    return _below(config["route"], "", labels)


def _below(route: Mapping[str, Any], above: str, labels: Labels) -> list[Leaf]:
    receiver = str(route.get("receiver") or above)
    found: list[Leaf] = []
    for child in configs.mappings(route.get("routes")):
        if fits(labels, matchers_of(child)):
            found += _below(child, receiver, labels)
            if child.get("continue") is not True:
                break
    return found or [Leaf(route, receiver)]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Two trees: the rendered one says who has to hear of an alert, the other one who does."""

    ours: Mapping[str, Any]
    theirs: Mapping[str, Any]
    moment: float

    def wanted(self, alert: SentAlert) -> Sequence[Leaf]:
        """Return the routes of ours by which an alert reaches somebody; none for what is only displayed."""
        return [leaf for leaf in leaves(self.ours, alert.labels) if configs.integrations(self.ours, leaf.receiver)]

    def judged(self, alerts: Sequence[SentAlert]) -> CheckResult:
        """Say where alerts arrive, or why one does not."""
        calendar = Calendar(self.theirs)
        names = configs.routing(self.ours, self.theirs).receivers
        lost: dict[str, list[str]] = defaultdict(list)
        late: dict[str, list[str]] = defaultdict(list)
        reached: dict[str, list[str]] = defaultdict(list)
        for alert in alerts:
            for leaf in self.wanted(alert):
                receiver = names.get(leaf.receiver, leaf.receiver)
                there = leaves(self.theirs, alert.labels)
                right = [one for one in there if self._reaches(one) and (not names or one.receiver == receiver)]
                if not right:
                    lost[self._fault(there, receiver)].append(alert.name)
                elif not any(names_of(leaf.route)) and (mute := self._mute(right, calendar)):
                    (lost if alert.wakes else late)[mute].append(alert.name)
                else:
                    reached[right[0].receiver].append(alert.name)
        if lost:
            routes_are_right = all(fault.startswith(_NOBODY) for fault in lost)
            return missing(reasons(lost), _NAME_SOMEBODY if routes_are_right else _MEND)
        if late:
            return unknown(reasons(late), "write `office_hours` into monitoring.yml if this is intended; it ends by itself")
        counts = sorted(((len(set(names)), receiver) for receiver, names in reached.items()), reverse=True)
        return ok(sanitized("alerts by receiver: " + ", ".join(f"{receiver} {count}" for count, receiver in counts), 300))

    def _reaches(self, leaf: Leaf) -> bool:
        return bool(configs.integrations(self.theirs, leaf.receiver))

    def _fault(self, there: Sequence[Leaf], receiver: str) -> str:
        if any(one.receiver == receiver for one in there):
            return f"{_NOBODY}{receiver}"
        other = next(filter(self._reaches, there), there[0])
        end = f"not to {receiver}" if self._reaches(other) else "which reaches nobody"
        return f"{other} leads to {other.receiver}, {end}"

    def _mute(self, right: Sequence[Leaf], calendar: Calendar) -> str:
        moments = [calendar.next_mute(one.route, self.moment) for one in right]
        if None in moments:
            return ""
        begin = max(moment for moment in moments if moment is not None)
        when = "now" if begin <= self.moment else f"from {datetime.fromtimestamp(begin, UTC):%Y-%m-%d %H:%M} UTC on"
        names = [name for one in right for side in names_of(one.route) for name in side]
        return f"{right[0].receiver} is mute {when} by {some(names)}"
