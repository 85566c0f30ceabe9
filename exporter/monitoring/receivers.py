"""Where messages go: a pager, mail and chat, the heartbeat; the addresses are to be replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SECRETS = "/run/secrets"

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


def _mail(*, all_clear: bool, to: str = "booking-team@example.org") -> dict[str, object]:
    return {
        "to": to,
        "send_resolved": all_clear,
        "headers": {"Subject": '{{ template "booking_sync.title" . }}', "References": _THREAD},
        "html": '{{ template "booking_sync.email.html" . }}',
        "text": '{{ template "booking_sync.email.text" . }}',
    }


def _chat(*, all_clear: bool) -> dict[str, object]:
    return {
        "api_url_file": f"{SECRETS}/slack_webhook_url",
        "channel": "#bookings",
        "send_resolved": all_clear,
        "title": '{{ template "booking_sync.chat.title" . }}',
        "title_link": _PLACE,
        # What a phone shows of it.
        "fallback": '{{ template "booking_sync.count" . }} {{ template "booking_sync.chat.title" . }}',
        "color": "{{ if .Alerts.Firing }}warning{{ else }}good{{ end }}",
        "text": '{{ template "booking_sync.chat" . }}',
    }


def _tickets(name: str, *, all_clear: bool) -> dict[str, object]:
    return {"name": name, "email_configs": [_mail(all_clear=all_clear)], "slack_configs": [_chat(all_clear=all_clear)]}


_PAGERDUTY = {
    "routing_key_file": f"{SECRETS}/pagerduty_routing_key",
    "description": '{{ template "booking_sync.title" . }}',
    "severity": "critical",
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

RECEIVERS: Sequence[tuple[str, Mapping[str, object]]] = (
    ("", {"name": "pager", "pagerduty_configs": [_PAGERDUTY]}),
    ("", _tickets("tickets", all_clear=True)),
    ("", _tickets("tickets-without-all-clear", all_clear=False)),
    (
        "",
        {"name": "heartbeat", "webhook_configs": [{"url": "https://heartbeat.example.org/ping", "send_resolved": False}]},
    ),
    ("", {"name": "nobody"}),
)
"""The receivers that the routes name, with the comment above each."""

EXAMPLES: Sequence[tuple[str, Mapping[str, object]]] = (
    (
        "Those of the examples above.",
        {"name": "front-desk-berlin", "email_configs": [_mail(all_clear=True, to="desk@berlin.example.org")]},
    ),
    ("", {"name": "calendar-care", "email_configs": [_mail(all_clear=True, to="calendars@example.org")]}),
)
"""The receivers that the routes' examples name."""


def silent(receivers: Sequence[tuple[str, Mapping[str, object]]]) -> Sequence[tuple[str, Mapping[str, object]]]:
    """Return the same names, and nobody behind them."""
    return [(comment, {"name": receiver["name"]}) for comment, receiver in receivers]


MAIL = {
    "smtp_smarthost": "smtp.example.org:587",
    "smtp_from": "booking-sync@example.org",
    "smtp_auth_username": "booking-sync",
    "smtp_auth_password_file": f"{SECRETS}/smtp_password",
}
"""How Alertmanager sends mail."""
