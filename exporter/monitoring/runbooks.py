"""The runbooks: hand-written sections from ``runbooks/``, with the facts, fixes, panels and commands of the alert put in."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files as package_files
from itertools import groupby
from typing import Any, Final

from exporter.monitoring.alerts import Alert, Choice, alert_groups
from exporter.monitoring.dashboards import fleet, internals, target
from exporter.monitoring.options import Options
from exporter.monitoring.runbook_commands import INSTALLED, commands_in, typed
from exporter.monitoring.runbook_text import MITIGATION, REVIEWED, SILENCE, sections

HEADER: Final = "<!-- Written by `booking-sync-exporter monitoring render` from exporter/monitoring/runbooks/. -->\n"
"""The first line of a file, for who means to edit it; a page that is served has none."""
_BOARDS: Final[tuple[Callable[[Options], str], ...]] = (fleet, target, internals)
_PANEL: Final = re.compile(r"\*\*([^*\n]+)\*\*")
_LINE: Final = "\n"
_COUNTED: Final = re.compile(r"count_over_time\(.+:1m\]\) > (\d+)$", re.DOTALL)
_TENANTS: Final = "Leave `cluster` out where your alerts have no such label; add `namespace` where they have one."
_WORD: Final = re.compile(r"[A-Za-z0-9_.:/-]+")
_LABEL: Final = re.compile(r"\{\{ \$labels\.(\w+)[^}]*\}\}")


def runbook_texts(options: Options) -> dict[str, str]:
    """Return every runbook and the index, as Markdown, by file name."""
    by_name = {name: list(alerts) for name, alerts in groupby(_alerts(options), lambda alert: alert.name)}
    boards = [json.loads(board(options)) for board in _BOARDS]
    pages = {f"{name.lower()}.md": _page(alerts, boards, options) for name, alerts in by_name.items()}
    return {name: _without_dead_links(text, options) for name, text in {"README.md": _index(options), **pages}.items()}


def _without_dead_links(text: str, options: Options) -> str:
    """Return a page without links to runbooks of alerts that are switched off."""
    for name in options.off:
        text = re.sub(rf"\[([^\]]+)\]\({name.lower()}\.md\)", r"\1", text)
    return text


def _alerts(options: Options) -> list[Alert]:
    return [alert for group in alert_groups(options) for alert in group.alerts]


def _page(alerts: list[Alert], boards: list[dict[str, Any]], options: Options) -> str:
    first = alerts[0]
    parts = dict(sections(first.name))
    reviewed = parts.pop(REVIEWED)
    parts[MITIGATION] = f"{_fix(first)}\n{parts[MITIGATION]}"
    parts[SILENCE] = parts[SILENCE].replace("job=JOB", _matcher("job", options.jobs[0]))
    if "cluster=CLUSTER" in parts[SILENCE]:
        parts[SILENCE] += f"\n\n{_TENANTS}"
    written = "".join(f"\n## {heading}\n\n{text}\n" for heading, text in parts.items())
    return (
        f"# {first.name}\n\n> {first.summary}\n{written}{_panels(first, written, boards, options)}{_commands(written)}"
        f"\n## The rule\n\n{_facts(alerts)}\nLast reviewed {reviewed}.\n"
    )


def _matcher(label: str, value: str) -> str:
    """Return a matcher as a word of a shell: Alertmanager wants quotes around most signs, the shell around those."""
    return f"{label}={value}" if _WORD.fullmatch(value) else shlex.quote(f'{label}="{value}"')


def _fix(alert: Alert) -> str:
    if isinstance(alert.fix, Choice):
        rows = "".join(f"| {case} | {_plain(text)} |\n" for case, text in alert.fix.cases().items())
        return f"| {'platform, reason' if alert.fix.label == 'platform' else alert.fix.label} | fix |\n| --- | --- |\n{rows}"
    return f"**Fix.** {_plain(alert.fix)}\n"


def _plain(text: str) -> str:
    """Return the text of an annotation for no alert in particular: the name of a label in capitals where its value stands."""
    return _LABEL.sub(lambda label: label[1].upper(), text)


def _panels(alert: Alert, text: str, boards: list[dict[str, Any]], options: Options) -> str:
    """Return the section about the board of the alert and the panels that ``text`` names."""
    named, uid = dict.fromkeys(_PANEL.findall(text)), options.uid(alert.board)
    found: dict[str, list[str]] = {board["title"]: [] for board in boards if board["uid"] == uid}
    # A title may stand on several boards; that of the alert goes first.
    panels = [(board, panel) for board in sorted(boards, key=lambda board: board["uid"] != uid) for panel in _panels_of(board)]
    for title in named:
        place = next(((board, panel) for board, panel in panels if panel["title"] == title), None)
        if place is not None:
            board, panel = place
            address = f"{options.grafana_url}/d/{board['uid']}?viewPanel={panel['id']}"
            found.setdefault(board["title"], []).append(f"[{title}]({address})" if options.grafana_url else title)
    uids = {board["title"]: board["uid"] for board in boards}
    rows = "".join(
        f"| {title} | `{uids[title]}` | {', '.join(titles) or 'all that concerns it'} |\n" for title, titles in found.items()
    )
    return f"\n## Where the panel is\n\n| board in Grafana | uid | panels |\n| --- | --- | --- |\n{rows}"


def _panels_of(board: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for panel in board["panels"]:
        yield from panel["panels"] if panel["type"] == "row" else (panel,)


def _commands(text: str) -> str:
    """Return the section that has every command of ``text`` as it is typed, or nothing where it has none."""
    commands = list(commands_in(text))
    ways = "".join(
        f"\n{installed.name}:\n\n```sh\n{_LINE.join(typed(command, installed) for command in commands)}\n```\n"
        for installed in INSTALLED
    )
    return f"\n## The commands as they are typed\n{ways}" if commands else ""


def _waits(alert: Alert) -> str:
    """Return for how long the cause has to be there: the hold, or the minutes that the expression counts."""
    counted = _COUNTED.search(alert.expr)
    return alert.after or alert.hold or (f"{counted[1]}m" if counted else "no time")


def _facts(alerts: list[Alert]) -> str:
    rows = "".join(f"| {alert.severity} | {_waits(alert)} | {alert.fixed_by} |\n" for alert in alerts)
    expressions = "\n\n".join(f"# {alert.severity}\n{alert.expr}" for alert in alerts)
    return f"| severity | after | fixed by |\n| --- | --- | --- |\n{rows}\n```promql\n{expressions}\n```\n"


def _index(options: Options) -> str:
    text = (
        "# Runbooks\n\n"
        "One page for each alert: what it means, what to do first, how to find and fix the cause, and whether it can wait.\n"
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
