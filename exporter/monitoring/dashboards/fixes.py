"""What to do about a cause, as a board says it: the fix of its alert, for its platform and its reason."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from typing import Final

from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.alerts.alert import Text
from exporter.monitoring.dashboards.panels import Json
from exporter.monitoring.options import Options

KEY: Final = ("alertname", "platform", "reason")
"""The labels of a cause that its fix depends on; joined by :data:`BETWEEN` they are a cell that mappings put into words."""
BETWEEN: Final = ":"
_PLACES: Final[Mapping[str, int]] = {"platform": 0, "reason": 1, "status": 1}
"""Where in the key the label stands that a text depends on; causes call the status of a connection its reason."""
_ANY: Final = "[^:]*"


def fix_mappings(options: Options, alerts: Container[str]) -> list[Json]:
    """Return value mappings from a key to the fix, for the ``alerts`` of these names; the special ones first."""
    fixes = {alert.name: alert.fix for group in alert_groups(options) for alert in group.alerts if alert.name in alerts}
    patterns = [(BETWEEN.join((name, *place)), text) for name, fix in fixes.items() for place, text in _cases(fix)]
    return [
        {"type": "regex", "options": {"pattern": f"/^{pattern}$/", "result": {"text": _plain(text), "index": index}}}
        for index, (pattern, text) in enumerate(patterns)
    ]


def _cases(text: Text, place: tuple[str, ...] = (_ANY, _ANY)) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each text with the patterns of platform and reason that it is for; the last one serves the others, too."""
    if isinstance(text, str):
        yield place, text
        return
    at = _PLACES[text.label]
    *cases, other = text.texts.items()
    for value, inner in cases:
        yield from _cases(inner, (*place[:at], re.escape(value), *place[at + 1 :]))
    yield from _cases(other[1], place)


def _plain(text: str) -> str:
    """Return a text of messages for a place that knows no labels; a dollar would be a reference to a group of the pattern."""
    return re.sub(r"{{ \$labels\.(\w+) }}", lambda found: found[1].upper(), text).replace("$", "$$")
