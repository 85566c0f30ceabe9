"""Where messages go: each way to somebody as Alertmanager reads it, with the bundle's own texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from exporter.monitoring.delivery import SECRETS, Delivery, MailTo, Route, Way

# A link without an address is left out by Alertmanager; one that only some alerts of a group have would mislead.
_PLACE = "{{ with .CommonAnnotations.board }}{{ . }}{{ else }}{{ .CommonAnnotations.dashboard_url }}{{ end }}"
# One thread for each group: all its messages answer a first one that was never sent. Only these signs may stand in its name.
_THREAD = '<{{ .GroupLabels.Values | join "/" | reReplaceAll "[^A-Za-z0-9]+" "." }}@booking-sync>'


def _first(part: str) -> str:
    """Return a part of the alert that the title names: the first that still fires, or the first of all when all is over."""
    return f"{{{{ with or .Alerts.Firing .Alerts.Resolved }}}}{{{{ (index . 0).{part} }}}}{{{{ end }}}}"


def _names(state: str) -> str:
    return (
        f"{{{{ range $n, $alert := .Alerts.{state} }}}}{{{{ if $n }}}}, {{{{ end }}}}{{{{ .Labels.alertname }}}}{{{{ end }}}}"
    )


def _mail(to: str) -> dict[str, object]:
    return {
        "to": to,
        "headers": {"Subject": '{{ template "booking_sync.title" . }}', "References": _THREAD},
        "html": '{{ template "booking_sync.email.html" . }}',
        "text": '{{ template "booking_sync.email.text" . }}',
    }


_CHAT: Final[Mapping[str, object]] = {
    "title": '{{ template "booking_sync.chat.title" . }}',
    "title_link": _PLACE,
    # What a phone shows of it.
    "fallback": '{{ template "booking_sync.count" . }} {{ template "booking_sync.chat.title" . }}',
    "color": "{{ if .Alerts.Firing }}warning{{ else }}good{{ end }}",
    "text": '{{ template "booking_sync.chat" . }}',
}

_PAGERDUTY: Final[Mapping[str, object]] = {
    "description": '{{ template "booking_sync.title" . }}',
    "component": '{{ template "booking_sync.where" . }}',
    "group": "{{ .CommonLabels.site }}",
    "class": _first("Labels.alertname"),
    "client": "booking-sync-exporter",
    "client_url": _PLACE,
    "links": [
        {"text": '{{ template "booking_sync.link.board" . }}', "href": "{{ .CommonAnnotations.board }}"},
        {"text": '{{ template "booking_sync.link.runbook" . }}', "href": _first("Annotations.runbook_url")},
        {"text": '{{ template "booking_sync.link.dashboard" . }}', "href": "{{ .CommonAnnotations.dashboard_url }}"},
    ],
    # The names stand where Alertmanager would put all labels and annotations once more.
    "details": {
        "what to do": '{{ template "booking_sync.pager" . }}',
        "firing": _names("Firing"),
        "resolved": _names("Resolved"),
    },
}


def _config(way: Way, *, all_clear: bool, severity: str) -> tuple[str, dict[str, object]]:
    """Return the key of a receiver and one entry below it."""
    resolved = {"send_resolved": all_clear}
    if way.pagerduty:
        # Sent by default, so that only the exception is said.
        own: dict[str, object] = {"routing_key_file": way.pagerduty.routing_key_file, "severity": severity}
        return "pagerduty_configs", _in_order(_PAGERDUTY_KEYS, {**own, **_PAGERDUTY, **({} if all_clear else resolved)})
    if way.mail:
        return "email_configs", _in_order(("to", "send_resolved"), {**_mail(way.mail.to), **resolved})
    if way.slack:
        return "slack_configs", {
            "api_url_file": way.slack.api_url_file,
            "channel": way.slack.channel,
            **resolved,
            **_CHAT,
        }
    if way.telegram:
        # Plain text: nothing in a name can break it, and Alertmanager may cut it anywhere.
        return "telegram_configs", {
            "bot_token_file": way.telegram.bot_token_file,
            "chat_id": way.telegram.chat_id,
            "parse_mode": "",
            **resolved,
            "message": '{{ template "booking_sync.telegram" . }}',
        }
    assert way.webhook, "a way has one of its keys"  # noqa: S101  the model has checked it
    address = {"url": way.webhook.url} if way.webhook.url else {"url_file": way.webhook.url_file}
    return "webhook_configs", {**address, **resolved}


_PAGERDUTY_KEYS: Final = ("routing_key_file", "send_resolved", "description", "severity")


def _in_order(first: Sequence[str], found: Mapping[str, object]) -> dict[str, object]:
    return {key: found[key] for key in first if key in found} | dict(found)


def _receiver(name: str, ways: Sequence[Way], *, all_clear: bool, severity: str = "warning") -> dict[str, object]:
    found: dict[str, object] = {"name": name}
    by_kind: dict[str, list[dict[str, object]]] = {}
    for way in ways:
        key, config = _config(way, all_clear=all_clear, severity=severity)
        by_kind.setdefault(key, []).append(config)
    return found | by_kind


def receivers(delivery: Delivery) -> list[tuple[str, Mapping[str, object]]]:
    """Return the receivers that the routes name, with the comment above each."""
    named = delivery.receivers
    found: list[Mapping[str, object]] = [
        _receiver("pager", named.pager, all_clear=True, severity="critical"),
        _receiver(f"pager{WITHOUT_ALL_CLEAR}", named.pager, all_clear=False, severity="critical"),
        _receiver("tickets", named.tickets, all_clear=True),
        _receiver(f"tickets{WITHOUT_ALL_CLEAR}", named.tickets, all_clear=False),
        _receiver("heartbeat", named.heartbeat, all_clear=False),
        {"name": "nobody"},
    ]
    for route, name in zip(delivery.routes, route_names(delivery.routes), strict=True):
        severity = route.severity or "critical"
        found.append(_receiver(name, route.to, all_clear=True, severity=severity))
        found.append(_receiver(f"{name}{WITHOUT_ALL_CLEAR}", route.to, all_clear=False, severity=severity))
    return [("", receiver) for receiver in (*found, *delivery.extra.receivers)]


WITHOUT_ALL_CLEAR: Final = "-without-all-clear"
"""What the name of a receiver ends with that is told nothing when an alert ends."""


def route_names(routes: Sequence[Route]) -> list[str]:
    """Return the names of the receivers of a user's own routes: who has to act and where, each name once."""
    names: list[str] = []
    for route in routes:
        words = re.sub(r"[^\w]+", "-", " ".join(filter(None, (route.fixed_by, route.site, route.severity)))).strip("-").lower()
        name = f"route-{words}"
        names.append(name if name not in names else f"{name}-{len(names) + 1}")
    return names


EXAMPLES: Sequence[tuple[str, Mapping[str, object]]] = (
    (
        "Those of the examples above.",
        _receiver("front-desk-berlin", [Way(mail=MailTo(to="desk@berlin.example.org"))], all_clear=True),
    ),
    ("", _receiver("calendar-care", [Way(mail=MailTo(to="calendars@example.org"))], all_clear=True)),
)
"""The receivers that the routes' examples name."""


def silent(receivers: Sequence[tuple[str, Mapping[str, object]]]) -> Sequence[tuple[str, Mapping[str, object]]]:
    """Return the same names, and nobody behind them."""
    return [(comment, {"name": receiver["name"]}) for comment, receiver in receivers]


def mail_server(delivery: Delivery) -> Mapping[str, object]:
    """Return how Alertmanager sends mail, for its section ``global``."""
    server = delivery.mail
    if server is None:
        return _EXAMPLE_SERVER
    login = {"smtp_auth_username": server.username, "smtp_auth_password_file": server.password_file}
    return {
        "smtp_smarthost": server.smarthost,
        "smtp_from": server.sender,
        **({key: value for key, value in login.items() if value}),
        **({} if server.require_tls else {"smtp_require_tls": False}),
    }


_EXAMPLE_SERVER: Final[Mapping[str, object]] = {
    "smtp_smarthost": "smtp.example.org:587",
    "smtp_from": "booking-sync@example.org",
    "smtp_auth_username": "booking-sync",
    "smtp_auth_password_file": f"{SECRETS}/smtp_password",
}
