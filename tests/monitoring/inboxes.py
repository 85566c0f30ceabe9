"""A pager, a chat, a heartbeat and a mailbox on this machine, behind the shipped receivers of a real Alertmanager."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx

from tests.monitoring.bundle import ALERTMANAGER
from tests.monitoring.libyaml import safe_dump, safe_load
from tests.monitoring.routes import CONFIG_FILE, every_route
from tests.monitoring.servers import alertmanager


@dataclass
class Inboxes:
    """What arrived, oldest first; ``heartbeats`` are moments of the monotonic clock."""

    pages: list[dict[str, Any]] = field(default_factory=list)
    chats: list[dict[str, Any]] = field(default_factory=list)
    heartbeats: list[float] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    telegrams: list[dict[str, Any]] = field(default_factory=list)
    hooks: list[dict[str, Any]] = field(default_factory=list)


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """Return the plain or the HTML body of a mail."""
    return next(str(part.get_content()) for part in mail.walk() if part.get_content_type() == f"text/{kind}")


@contextmanager
def inboxes(directory: Path, text: str = "", **waits: str) -> Iterator[tuple[httpx.Client, Inboxes]]:
    """Run the shipped configuration, or ``text``, with our addresses; nothing else is changed but ``waits`` of all routes."""
    found = Inboxes()
    with web(found) as port, mailbox(found) as mail:
        config = safe_load(text or CONFIG_FILE.read_text())
        for route in every_route(config):
            route.update(waits)
        file = _with_our_addresses(directory, config, port, mail)
        with alertmanager(directory, file) as client:
            yield client, found


def send(
    client: httpx.Client, alerts: Sequence[tuple[Mapping[str, str], Mapping[str, str]]], *, resolved: bool = False
) -> None:
    """Post alerts (labels, annotations) that fire since now, or are over now.

    Alertmanager does not let a group wait of which an alert began longer ago than its wait.
    """
    now = datetime.now(UTC)
    body = [
        {
            "labels": labels,
            "annotations": annotations,
            "startsAt": (now - timedelta(seconds=1) if resolved else now).isoformat(),
            "endsAt": (now if resolved else now + timedelta(hours=1)).isoformat(),
        }
        for labels, annotations in alerts
    ]
    assert client.post("/api/v2/alerts", json=body).status_code == httpx.codes.OK


def _with_our_addresses(directory: Path, config: dict[str, Any], web: int, mail: int) -> Path:
    (directory / "slack").write_text(f"http://127.0.0.1:{web}/slack")
    (directory / "key").write_text("0123456789abcdef0123456789abcdef")
    for receiver in config["receivers"]:
        for one in receiver.get("slack_configs", []):
            one["api_url_file"] = str(directory / "slack")
        for one in receiver.get("webhook_configs", []):
            one["url"] = f"http://127.0.0.1:{web}/heartbeat"
        for one in receiver.get("pagerduty_configs", []):
            one |= {"routing_key_file": str(directory / "key"), "url": f"http://127.0.0.1:{web}/pagerduty"}
    config["global"] = {
        "smtp_smarthost": f"127.0.0.1:{mail}",
        "smtp_from": "booking-sync@salon.invalid",
        "smtp_require_tls": False,
    }
    config["templates"] = [str(ALERTMANAGER / "templates" / "*.tmpl")]
    file = directory / "alertmanager.yml"
    file.write_text(safe_dump(config))
    return file


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def web(found: Inboxes) -> Iterator[int]:
    """Serve what speaks HTTP: PagerDuty, Slack, Telegram, a webhook, the heartbeat."""
    kept = {"/pagerduty": found.pages, "/hook": found.hooks}
    answers = {"/pagerduty": b'{"status":"success","message":"ok"}'}
    sent = b'{"ok":true,"result":{"message_id":1,"date":1,"chat":{"id":1,"type":"group"}}}'

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            is_telegram = self.path.startswith("/bot")
            if self.path == "/heartbeat":
                found.heartbeats.append(time.monotonic())
                time.sleep(0.1)  # as an address on the internet takes: its answer comes after the moment of the message
            else:
                (found.telegrams if is_telegram else kept.get(self.path, found.chats)).append(body)
            self.send_response(202 if self.path == "/pagerduty" else 200)
            self.end_headers()
            self.wfile.write(sent if is_telegram else answers.get(self.path, b"ok"))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


@contextmanager
def mailbox(found: Inboxes) -> Iterator[int]:
    """Serve as much SMTP as one mail needs."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 mailbox")
            while line := self.rfile.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    self._say("354 go on")
                    # A server that is ended may hang up in the middle.
                    lines = list(takewhile(lambda one: one not in {b".\r\n", b""}, iter(self.rfile.readline, None)))
                    text = b"".join(one[1:] if one.startswith(b"..") else one for one in lines)
                    found.mails.append(email.message_from_bytes(text, policy=email.policy.default))
                self._say("221 bye" if word == b"QUIT" else "250 ok")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port
