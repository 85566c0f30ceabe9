"""The fix in a row of a board is that of the message, for every alert, platform and reason."""

from __future__ import annotations

import re

import pytest

from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason
from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.alerts.alert import Text
from exporter.monitoring.dashboards.fixes import BETWEEN, fix_mappings
from exporter.monitoring.options import Options
from exporter.platforms.registry import PLATFORMS

ALERTS = {alert.name: alert for group in alert_groups(Options()) for alert in group.alerts}
REASONS = ["", *(word.value for kind in (Reason, ErrorReason, ConnectionStatus) for word in kind)]


def _said(text: Text, platform: str, reason: str) -> str:
    """Return what the message says: the text of a label's value, or the last one."""
    if isinstance(text, str):
        return re.sub(r"{{ \$labels\.(\w+) }}", lambda found: found[1].upper(), text)
    value = {"platform": platform, "reason": reason, "status": reason}[text.label]
    *_, last = text.texts.values()
    return _said(text.texts.get(value, last), platform, reason)


def _shown(cell: str) -> str:
    for mapping in fix_mappings(Options(), ALERTS):
        pattern = mapping["options"]["pattern"].removeprefix("/").removesuffix("/")
        if re.search(pattern, cell):
            return str(mapping["options"]["result"]["text"]).replace("$$", "$")
    return cell


@pytest.mark.parametrize("name", ALERTS)
def test_the_fix_of_a_row_is_that_of_the_message(name: str) -> None:
    for platform in ("", *PLATFORMS):
        for reason in REASONS:
            assert _said(ALERTS[name].fix, platform, reason) == _shown(BETWEEN.join((name, platform, reason)))


def test_a_board_has_the_fixes_that_it_asks_for_and_no_others() -> None:
    (one,) = fix_mappings(Options(), {"BookingSyncExporterDown"})
    assert re.fullmatch(r"/\^BookingSyncExporterDown:.*", one["options"]["pattern"])


def test_no_row_shows_a_template() -> None:
    assert not [one for one in fix_mappings(Options(), ALERTS) if "{{" in one["options"]["result"]["text"]]
