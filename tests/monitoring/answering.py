"""A server of our own making: bodies by path, for what no real server of this machine answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from urllib.parse import parse_qs, urlsplit

from tests.monitoring.inboxes import serving


@dataclass(frozen=True)
class Answer:
    """What is answered at a path; ``hangs`` says nothing for as long as the server lives, ``times`` repeats the body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    times: int = 1


def as_json(value: object, status: int = 200) -> Answer:
    """Return JSON."""
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json"})


@dataclass
class Asked:
    """The address, and the paths that were asked for with their headers."""

    address: str
    paths: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)


@contextmanager
def answering(answers: Mapping[str, Answer], otherwise: Answer | None = None) -> Iterator[Asked]:
    """Serve ``answers`` by path, ``QUERY`` of a path with a query first, else ``otherwise`` or 404."""
    over = Event()
    asked = Asked("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query).get("query", [""])[0]
            asked.paths.append(parts.path)
            asked.queries.append(query)
            asked.authorizations.append(self.headers.get("Authorization", ""))
            answer = answers.get(query) or answers.get(parts.path) or otherwise or Answer(b"404 page not found", 404)
            if answer.hangs:
                over.wait(60)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for _ in range(answer.times):
                    self.wfile.write(answer.body)
            except OSError:
                pass  # who asked has had enough

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with serving(server) as port:
        asked.address = f"http://127.0.0.1:{port}"
        try:
            yield asked
        finally:
            over.set()
