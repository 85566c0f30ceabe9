"""What really arrives at pager, chat and mailbox: the shipped receivers of a real Alertmanager, pointed at this machine."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.monitoring.bundle import ALERTMANAGER
from tests.monitoring.servers import alertmanager, wait_for

pytestmark = pytest.mark.servers

ANNOTATIONS = {
    "summary": "Bookings overlap on one resource.",
    "description": "2 bookings of salon within the next 24 hours overlap.",
    "fix": "The front desk moves one of them.",
    "runbook_url": "https://runbooks.example/bookingsyncdoublebooking.md",
    "dashboard_url": "https://grafana.example/d/booking-sync-target?var-job=j&var-target=salon",
}


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def _web_inbox(messages: dict[str, list[dict[str, Any]]]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            messages.setdefault(self.path, []).append(body)
            self.send_response(202 if self.path == "/pagerduty" else 200)
            self.end_headers()
            self.wfile.write(b'{"status":"success","message":"ok"}' if self.path == "/pagerduty" else b"ok")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


@contextmanager
def _mailbox(mails: list[str]) -> Iterator[int]:
    """Serve as much SMTP as one mail needs."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 mailbox")
            while line := self.rfile.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    self._say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    mails.append(b"".join(lines).decode())
                self._say("221 bye" if word == b"QUIT" else "250 ok")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


def _config(directory: Path, web: int, mail: int) -> Path:
    """Return the shipped configuration with our addresses, and nothing else changed but the waits."""
    config = yaml.safe_load((ALERTMANAGER / "alertmanager.yml").read_text())
    for route in (config["route"], *config["route"]["routes"]):
        route.update(group_wait="100ms", group_interval="500ms")
    (directory / "slack").write_text(f"http://127.0.0.1:{web}/slack")
    (directory / "key").write_text("0123456789abcdef0123456789abcdef")
    receivers = {one["name"]: one for one in config["receivers"]}
    receivers["tickets"]["slack_configs"][0]["api_url_file"] = str(directory / "slack")
    receivers["pager"]["pagerduty_configs"][0] |= {
        "routing_key_file": str(directory / "key"),
        "url": f"http://127.0.0.1:{web}/pagerduty",
    }
    config["global"] = {
        "smtp_smarthost": f"127.0.0.1:{mail}",
        "smtp_from": "booking-sync@example.org",
        "smtp_require_tls": False,
    }
    config["templates"] = [str(ALERTMANAGER / "templates" / "*.tmpl")]
    file = directory / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config))
    return file


def _send(client: httpx.Client, severity: str, *, resolved: bool = False) -> None:
    now = datetime.now(UTC)
    alert = {
        "labels": {
            "alertname": "BookingSyncDoubleBooking",
            "severity": severity,
            "fixed_by": "front desk",
            "job": "j",
            "target": "salon",
        },
        "annotations": ANNOTATIONS,
        "startsAt": (now - timedelta(minutes=1)).isoformat(),
        "endsAt": (now if resolved else now + timedelta(hours=1)).isoformat(),
    }
    assert client.post("/api/v2/alerts", json=[alert]).status_code == httpx.codes.OK


def test_pager_chat_and_mail_name_the_fix_who_does_it_and_the_links(tmp_path: Path) -> None:
    posts: dict[str, list[dict[str, Any]]] = {}
    mails: list[str] = []
    with _web_inbox(posts) as web, _mailbox(mails) as mail, alertmanager(tmp_path, _config(tmp_path, web, mail)) as client:
        _send(client, "critical")
        _send(client, "warning")
        wait_for("page, chat message and mail", lambda: "/pagerduty" in posts and "/slack" in posts and mails)
        _send(client, "critical", resolved=True)
        wait_for("the end of the page", lambda: len(posts["/pagerduty"]) > 1)

    page, end = posts["/pagerduty"][0], posts["/pagerduty"][-1]
    assert ("trigger", "resolve") == (page["event_action"], end["event_action"])
    assert page["dedup_key"] == end["dedup_key"]
    assert "salon: Bookings overlap on one resource." == page["payload"]["summary"]
    assert ANNOTATIONS["dashboard_url"] == page["client_url"]
    chat = posts["/slack"][0]["attachments"][0]
    assert "salon: Bookings overlap on one resource." == chat["title"]
    letter = email.message_from_string(mails[0], policy=email.policy.default)
    assert "[FIRING] salon: Bookings overlap on one resource." == letter["Subject"]
    bodies = {part.get_content_type(): part.get_content() for part in letter.walk() if not part.is_multipart()}
    assert {"text/plain", "text/html"} == set(bodies)
    html = bodies["text/html"].replace("&amp;", "&")
    for message in (page["payload"]["custom_details"]["what to do"], chat["text"], bodies["text/plain"], html):
        for part in ("description", "fix", "runbook_url"):
            assert ANNOTATIONS[part] in message
        assert "front desk" in message
