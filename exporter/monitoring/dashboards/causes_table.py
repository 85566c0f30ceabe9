"""The table of causes: what is wrong, since when and why, who fixes it, and on the boards of one thing how."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from exporter.connection_checks import UnprotectedReason
from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason
from exporter.monitoring.alerts import Dashboard, alert_groups
from exporter.monitoring.causes import NAMED, SEEN
from exporter.monitoring.dashboards.cause_texts import CAUSE_TEXTS, with_numbers
from exporter.monitoring.dashboards.fixes import BETWEEN, KEY, fix_mappings
from exporter.monitoring.dashboards.panels import BLUE, LASTING, MOMENT, ORANGE, PAINTED, RED, Json, Looks, column, table, words
from exporter.monitoring.options import Options

_FRESH: Final = "90s"
"""Causes are recorded each minute, and what bridges a failed scrape is in their rules."""

OF_PROMETHEUS: Final = "BookingSyncRuleFailures"
OF_RULES: Final = f'alertname="{OF_PROMETHEUS}",target="",platform=""'
"""What Prometheus counts of itself has its own job, and concerns all that it watches."""

_SEVERITIES: Final[Looks] = {2.0: ("critical", RED), 1.0: ("warning", ORANGE), 0.0: ("info", BLUE)}
_STATES: Final[Looks] = {
    "firing": ("alerted", "text"),
    "pending": ("pending", "text"),
    SEEN: ("not yet", "text"),
}


def open_target(name: str, more: str = "") -> Json:
    """Return the link to the board of the target that ``name`` has in it, a variable of Grafana's."""
    return {
        "title": "Open the target",
        "url": (
            f"/d/{Dashboard.TARGET}?${{datasource:queryparam}}&var-job=${{__data.fields.job:percentencode}}"
            f"&var-target=${{{name}:percentencode}}{more}&${{__url_time_range}}"
        ),
    }


def _open_where(more: str = "") -> Json:
    """Return the link of a cause: to its target, or where it has none to the polls of its platform on the exporter's board."""
    link = open_target("__data.fields.target", f"&var-platform=${{__data.fields.platform:percentencode}}{more}")
    url = link["url"].replace(f"/d/{Dashboard.TARGET}?", "/d/${__data.fields.board}?").replace("fields.job:", "fields.jobs:")
    return {**link, "title": "Open the board", "url": url}


OPEN_TARGET: Final = open_target("__data.fields.target")
_OF_CONNECTION: Final = "&var-connection=${__data.fields.connection:percentencode}"
OPEN_CONNECTION: Final = open_target("__data.fields.target", _OF_CONNECTION)


def fresh(name: str, matchers: str) -> str:
    """Return the newest samples of a series of causes."""
    return f"last_over_time({name}{{{matchers}}}[{_FRESH}])"


def fresh_and_of_rules(name: str, matchers: str) -> str:
    """Return the newest samples of a series of causes, and those about a Prometheus that does not evaluate the rules."""
    return f"{fresh(name, matchers)} or {fresh(name, OF_RULES)}"


def causes_table(
    options: Options,
    title: str,
    description: str,
    size: tuple[int, int],
    series: Sequence[str],
    *,
    numbers_of: str = "",
    hidden: Sequence[str] = (),
    fixes_of: Collection[str] = (),
) -> Json:
    """Return a table of causes; ``series`` are the causes to be shown, their moments and how many targets each concerns.

    ``numbers_of`` selects the targets whose numbers say why; ``hidden`` are fields that say nothing new on a board;
    ``fixes_of`` names the alerts whose fix stands in the row.
    """
    cause, since, targets = series
    began = f"0 * ({cause}) + ignoring ({', '.join(NAMED)}) group_left () ({since})"
    columns = {
        "Value #A": "Severity",
        "who": "Who",
        "Value #D": "Targets",
        "alert": "What",
        "where": "Where",
        "reason": "Why",
        "Value #B": "Since",
        "Value #C": "For",
        "fixed_by": "Fixed by",
        "alertstate": "Alert",
        **({"fix": "What to do"} if fixes_of else {}),
        "runbook": "Runbook",
        "target": "Target",
        "platform": "Platform",
        "connection": "Connection",
        "jobs": "Job",
        "board": "Board",
    }
    summaries: dict[float | str, tuple[str, str]] = {
        alert.name: (alert.summary.rstrip("."), "text") for group in alert_groups(options) for alert in group.alerts
    }
    reasons: dict[float | str, tuple[str, str]] = {
        str(word): (str(word).replace("_", " "), "text")
        for kind in (Reason, ErrorReason, ConnectionStatus, UnprotectedReason)
        for word in kind
    }
    reasons |= {name: (why, "text") for name, why in CAUSE_TEXTS.items()}
    runbook = options.runbook("${__data.fields.runbook}")
    widths = {
        "Value #A": 76,
        "who": 166,
        "Value #D": 72,
        "alert": 337,
        "where": 135,
        "reason": 137,
        "Value #B": 111,
        "Value #C": 104,
        "fixed_by": 172,
        "alertstate": 79,
    }
    if fixes_of:  # a fix wants the room, and several lines
        widths |= {"alert": 240}
    links = {"who": [_open_where()], "where": [_open_where(_OF_CONNECTION)]} if "who" not in hidden else {}
    links |= {"alert": [_runbook(runbook)]} if runbook else {}
    looks: dict[str, dict[str, object]] = {
        "Value #A": {"mappings": words(_SEVERITIES), "custom_cellOptions": PAINTED},
        "Value #B": {"unit": MOMENT},
        "Value #C": {"unit": LASTING},
        "Value #D": {"mappings": words({0.0: ("-", "text")})},
        "alert": {"mappings": words(summaries)},
        "reason": {"mappings": words(reasons)},
        "alertstate": {"mappings": words(_STATES)},
        "fix": {
            "mappings": fix_mappings(options, fixes_of),
            "custom_minWidth": 300,
            "custom_inspect": True,  # a Grafana that does not wrap shows all of it on demand
        },
        **{name: {"custom_hidden": True} for name in ("target", "platform", "connection", "jobs", "board", *hidden)},
        # Files have names in lower case, which no query can make.
        "runbook": {"custom_hidden": True, "mappings": words({name: (str(name).lower(), "text") for name in summaries})}
        if options.runbook_url
        else {"custom_hidden": True},
    }
    for name in ("who", "alert", "where", "reason", "fixed_by", *(["fix"] if fixes_of else [])):
        looks.setdefault(name, {})["custom_cellOptions"] = {"type": "auto", "wrapText": True}
    overrides = [
        column(
            name,
            **({"custom_width": widths[name]} if name in widths and name not in hidden else {}),
            **({"links": links[name]} if name in links else {}),
            **looks.get(name, {}),
        )
        for name in columns
    ]
    panel = table(
        title,
        description,
        size,
        [
            _described(options, one, numbers_of)
            for one in (f"0 + ({cause})", f"1000 * ({began})", f"time() - ({began})", f"0 * ({cause}) + ({targets})")
        ],
        columns,
        overrides=overrides,
        sort_by="Severity",
        descending=True,
    )
    panel["fieldConfig"]["defaults"]["custom"]["filterable"] = False  # its sign takes the place of half a heading
    panel["options"]["sortBy"].append({"displayName": "Since", "desc": True})
    return panel


def _runbook(url: str) -> Json:
    return {"title": "Open the runbook", "url": url, "targetBlank": True}


def _described(options: Options, expression: str, numbers_of: str) -> str:
    """Return ``expression`` with labels for people: whom it befalls, and where there; and with those of its links."""

    def put(label: str, text: str, by: str, pattern: str = "(.+)") -> None:
        nonlocal expression
        expression = f'label_replace({expression}, "{label}", "{text}", "{by}", "{pattern}")'

    key = '", "'.join(KEY)
    expression = f'label_join({expression}, "fix", "{BETWEEN}", "{key}")'
    if numbers_of:
        expression = with_numbers(expression, numbers_of)
    # A label that no row has is no column: each row has them all, or columns would come and go.
    put("where", "-", "job")
    # Without a reason its own name says why, which the mapping puts into words.
    expression = f'label_join({expression}, "why", ":", "reason", "alertname")'
    put("reason", "$1", "why", ":(.+)")
    put("who", "the exporter", "job")
    put("who", "all that is watched", "alertname", "BookingSyncNothingAnswers")
    put("who", "site $1", "site")
    put("who", "targets of $1", "platform")
    put("who", "targets of $1", "provider")
    put("who", "$1", "target")
    # Of one target, the name of its credential says nothing of where.
    expression = f'label_join({expression}, "shared", ":", "target", "credential")'
    put("where", "$1", "shared", ":(.+)")
    for label in ("window", "budget", "instance", "provider", "collector", "connection"):
        put("where", "$1", label)
    # A connection without an alias is a hash: what kind of calendar it is, and of which site, is what people know it by.
    expression = f'label_join({expression}, "kind", ", ", "calendar_type", "site")'
    put("kind", "$1", "kind", "(.+), ")
    expression = f'label_join({expression}, "named", " - ", "connection", "kind")'
    put("where", "$1", "named", "(.+ - [^,].*)")
    put("alert", "$1", "alertname")
    put("runbook", "$1", "alertname")
    put("board", options.uid(Dashboard.INTERNALS), "target", "")
    put("board", options.uid(Dashboard.TARGET), "target")
    for label in ("target", "platform", "connection"):
        put(label, "All", label, "")
    # Prometheus, which tells of itself, is no exporter: a board of its job would be empty.
    put("jobs", "$1", "job")
    put("jobs", "All", "alertname", OF_PROMETHEUS)
    return expression
