"""The runbooks: hand-written sections from ``runbooks/``, with the facts and fixes of the alert put in."""

from __future__ import annotations

from importlib.resources import files as package_files
from itertools import groupby

from exporter.monitoring.alerts import Alert, Choice, alert_groups
from exporter.monitoring.options import Options

_HEADER = "<!-- Written by `booking-sync-exporter monitoring render` from exporter/monitoring/runbooks/. -->\n"
_MITIGATION = "## Mitigation\n"
_PROBE = "booking-sync-exporter probe"


def runbooks(options: Options) -> dict[str, str]:
    """Return every runbook and the index by file name."""
    by_name = {name: list(alerts) for name, alerts in groupby(_alerts(options), lambda alert: alert.name)}
    pages = {f"{name.lower()}.md": _page(alerts) for name, alerts in by_name.items()}
    return {"README.md": _index(options), **pages}


def _alerts(options: Options) -> list[Alert]:
    return [alert for group in alert_groups(options) for alert in group.alerts]


def _page(alerts: list[Alert]) -> str:
    first = alerts[0]
    file = package_files("exporter.monitoring") / "runbooks" / f"{first.name.lower()}.md"
    if not file.is_file():
        raise FileNotFoundError(f"alert {first.name} has no runbook: write exporter/monitoring/runbooks/{file.name}")
    text = file.read_text(encoding="utf-8")
    before, after = text.split(_MITIGATION)
    page = f"# {first.name}\n\n{_HEADER}\n> {first.summary}\n\n{_facts(alerts)}\n{before}{_MITIGATION}\n{_fix(first)}{after}"
    how = "\n`probe` where the exporter runs: [asking a target again](README.md#asking-a-target-again).\n"
    return page.rstrip("\n") + "\n" + how if _PROBE in page else page


def _facts(alerts: list[Alert]) -> str:
    rows = "".join(f"| {alert.severity} | {alert.hold or 'no time'} | {alert.fixed_by} |\n" for alert in alerts)
    expressions = "\n\n".join(f"# {alert.severity}\n{alert.expr}" for alert in alerts)
    return f"| severity | after | fixed by |\n| --- | --- | --- |\n{rows}\n```promql\n{expressions}\n```\n"


def _fix(alert: Alert) -> str:
    if isinstance(alert.fix, Choice):
        rows = "".join(f"| {case} | {text} |\n" for case, text in alert.fix.cases().items())
        return f"| {'platform, reason' if alert.fix.label == 'platform' else alert.fix.label} | fix |\n| --- | --- |\n{rows}"
    return "**Fix.** " + alert.fix.replace("{{ $labels.target }}", "TARGET") + "\n"


def _index(options: Options) -> str:
    text = (
        f"# Runbooks\n\n{_HEADER}\n"
        "One page for each alert: what it means, who notices, how to find the cause, how to mend it.\n"
        "`critical` wakes somebody, `warning` becomes a ticket, `info` is only displayed, `none` is the heartbeat.\n"
    )
    for group in alert_groups(options):
        text += f"\n## {group.name.removeprefix('booking-sync-').removesuffix('-alerts').capitalize()}\n\n"
        text += "| alert | severity | fixed by | says |\n| --- | --- | --- | --- |\n"
        for name, alerts in groupby(group.alerts, lambda alert: alert.name):
            first, *more = alerts
            severities = ", ".join(dict.fromkeys(alert.severity.value for alert in (first, *more)))
            text += f"| [{name}]({name.lower()}.md) | {severities} | {first.fixed_by} | {first.summary} |\n"
    return text + (package_files("exporter.monitoring") / "templates" / "asking-again.md").read_text(encoding="utf-8")
