"""Messages as amtool renders them of groups of alerts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from exporter.monitoring.alertmanager import templates
from exporter.monitoring.options import Options
from tests.monitoring.servers import run


def alert_of(name: str = "BookingSyncDataExpired", status: str = "firing", **labels: str) -> dict[str, Any]:
    """Return an alert as the templates get it."""
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "critical", "fixed_by": "exporter operator", "job": "j", **labels},
        "annotations": {
            "summary": f"{name} is the matter.",
            "description": f"{name} of {labels.get('target', 'all')}.",
            "fix": "Mend it.",
        },
        "startsAt": "2026-11-20T23:00:00Z",
        "endsAt": "2026-11-21T01:30:00Z",
    }


def _common(alerts: list[dict[str, Any]], part: str) -> dict[str, str]:
    first: dict[str, str] = alerts[0][part]
    return {name: value for name, value in first.items() if all(alert[part].get(name) == value for alert in alerts)}


def rendered(kind: str, directory: Path, *alerts: dict[str, Any], zone: str = "UTC", language: str = "en") -> str:
    """Return what the template ``booking_sync.KIND`` makes of a group of alerts."""
    (directory / "messages.tmpl").write_text(templates(Options(language=language)))
    data = {
        "receiver": "r",
        "status": "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved",
        "alerts": alerts,
        "groupLabels": {},
        "commonLabels": _common(list(alerts), "labels"),
        "commonAnnotations": _common(list(alerts), "annotations"),
        "externalURL": "https://alertmanager.example",
    }
    file = directory / "data.json"
    file.write_text(json.dumps(data))
    result = run(
        "amtool",
        "template",
        "render",
        f"--template.glob={directory / 'messages.tmpl'}",
        f"--template.data={file}",
        f"--template.type={'html' if kind.endswith('html') else 'text'}",
        f'--template.text={{{{ template "booking_sync.{kind}" . }}}}',
        zone=zone,
    )
    assert 0 == result.returncode, result.stderr
    assert "<no value>" not in result.stdout
    return result.stdout.removesuffix("\n")
