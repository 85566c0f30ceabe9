"""The files for Alertmanager: routes, inhibitions, receivers and the messages' templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files as package_files
from textwrap import indent

from exporter.monitoring.inhibitions import INHIBITIONS
from exporter.monitoring.promql import TENANT_LABELS
from exporter.monitoring.yamltext import HEADER, dump, dump_items

_SECRETS = "/run/secrets"


ROUTE: Mapping[str, object] = {
    "receiver": "tickets",
    "group_by": ["alertname", *TENANT_LABELS, "job", "target", "site"],
    "group_wait": "5m",
    "group_interval": "5m",
    "repeat_interval": "3d",
}
ROUTES: Sequence[tuple[str, Mapping[str, object]]] = (
    (
        "The heartbeat: its receiver (a dead man's switch) must raise the alarm after five minutes of silence.",
        {
            "matchers": ['alertname = "Watchdog"'],
            "receiver": "heartbeat",
            "group_by": ["alertname"],
            "group_wait": "0s",
            "group_interval": "1m",
            "repeat_interval": "1m",
        },
    ),
    (
        "One incident per business, whatever the number of its alerts.",
        {
            "matchers": ['alertname =~ "BookingSync.+"', 'severity = "critical"'],
            "receiver": "pager",
            "group_by": [*TENANT_LABELS, "job", "target"],
            "group_wait": "30s",
            "repeat_interval": "4h",
        },
    ),
    ("Only displayed, on the boards.", {"matchers": ['severity =~ "info|none"'], "receiver": "nobody"}),
)

_RECEIVERS: Sequence[tuple[str, Mapping[str, object]]] = (
    (
        "",
        {
            "name": "pager",
            "pagerduty_configs": [
                {
                    "routing_key_file": f"{_SECRETS}/pagerduty_routing_key",
                    "description": '{{ template "booking_sync.title" . }}',
                    "severity": "critical",
                    "client": "booking-sync-exporter",
                    "client_url": "{{ (index .Alerts 0).Annotations.dashboard_url }}",
                    "details": {"what to do": '{{ template "booking_sync.pager" . }}'},
                }
            ],
        },
    ),
    (
        "Forty revoked tokens of a site are one ticket.",
        {
            "name": "tickets",
            "email_configs": [
                {
                    "to": "booking-team@example.org",
                    "send_resolved": True,
                    "headers": {"Subject": '[{{ .Status | toUpper }}] {{ template "booking_sync.title" . }}'},
                    "html": '{{ template "booking_sync.email.html" . }}',
                    "text": '{{ template "booking_sync.email.text" . }}',
                }
            ],
            "slack_configs": [
                {
                    "api_url_file": f"{_SECRETS}/slack_webhook_url",
                    "channel": "#bookings",
                    "send_resolved": True,
                    "title": '{{ template "booking_sync.title" . }}',
                    "title_link": "{{ (index .Alerts 0).Annotations.dashboard_url }}",
                    "text": '{{ template "booking_sync.chat" . }}',
                }
            ],
        },
    ),
    (
        "",
        {"name": "heartbeat", "webhook_configs": [{"url": "https://heartbeat.example.org/ping", "send_resolved": False}]},
    ),
    ("", {"name": "nobody"}),
)
_SILENT_RECEIVERS = tuple((comment, {"name": receiver["name"]}) for comment, receiver in _RECEIVERS)


def alertmanager_config() -> str:
    """Return ``alertmanager.yml``: the reference for routes and inhibitions, with receivers to put addresses into."""
    mail = {
        "smtp_smarthost": "smtp.example.org:587",
        "smtp_from": "booking-sync@example.org",
        "smtp_auth_username": "booking-sync",
        "smtp_auth_password_file": f"{_SECRETS}/smtp_password",
    }
    return _config(
        "# Routes and inhibitions are the reference; put your own addresses into `global` and `receivers`.\n"
        "# Runs on Alertmanager 0.25 and newer.\n" + dump({"global": mail}),
        _RECEIVERS,
    )


def demo_config() -> str:
    """Return ``alertmanager.demo.yml``: the same routes and inhibitions, and nobody is notified."""
    return _config("# The routes of alertmanager.yml with receivers that reach nobody.\n", _SILENT_RECEIVERS)


def templates() -> str:
    """Return the messages' templates."""
    return (package_files("exporter.monitoring") / "templates" / "booking-sync.tmpl").read_text(encoding="utf-8")


def _config(start: str, receivers: Sequence[tuple[str, Mapping[str, object]]]) -> str:
    inhibitions = [
        (
            inhibition.comment,
            {
                "source_matchers": list(inhibition.source),
                "target_matchers": list(inhibition.target),
                "equal": list(inhibition.equal),
            },
        )
        for inhibition in INHIBITIONS
    ]
    return (
        HEADER
        + start
        + dump({"templates": ["templates/*.tmpl"]})
        + "route:\n"
        + indent(dump(dict(ROUTE)), "  ")
        + "  routes:\n"
        + dump_items(ROUTES, 4)
        + "inhibit_rules:\n"
        + "  # Sources keep firing for 15 minutes, targets for 5: on recovery the targets are gone before the silence ends.\n"
        + dump_items(inhibitions, 2)
        + "receivers:\n"
        + dump_items(receivers, 2)
    )
