"""What people get of storms: their alerts posted to a real Alertmanager in divided time, and what arrives at pager and tickets.

Routes, inhibitions and groups are the shipped ones. Every duration is divided, and every receiver is an address of this machine
that sends all-clears as the shipped receiver does. A storm is told from the others by its ``job``, which every group and
every inhibition keeps apart.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeAlias

from exporter.monitoring.hurry import divided
from tests.monitoring import message_counts
from tests.monitoring.bundle import ALERTS
from tests.monitoring.inboxes import send, serving
from tests.monitoring.libyaml import safe_dump, safe_load
from tests.monitoring.message_counts import Counts
from tests.monitoring.routes import CONFIG_FILE, every_route, sends_all_clears
from tests.monitoring.servers import alertmanager
from tests.monitoring.storms import LASTS, Spell

_DEFAULTS: Final = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
_SUMMARIES: Final = {alert["alert"]: alert["annotations"]["summary"] for alert in ALERTS}
_UNTIL_TOLD: Final = 31
"""Minutes after the last change within which every group is told, tickets too."""
_GROUP_WAIT: Final = "4s"
"""Within it all that begins at once is known to what keeps alerts back."""
_LAST_GROUP_WAIT: Final = "6s"
_PATIENCE: Final = 60.0

Labels: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Notice:
    """A message about a group of alerts; ``minute`` counts from the beginning of the storm, ``alerts`` are those that fire."""

    minute: int
    receiver: str
    group: str
    alerts: tuple[str, ...]


def counted(notices: Sequence[Notice], receiver: str) -> Counts:
    """Count what reached a receiver."""
    reached = (notice for notice in notices if notice.receiver.startswith(receiver))
    return message_counts.counted(reached, is_late=lambda notice: notice.minute > LASTS)


def told(storms: Mapping[str, Sequence[Spell]], directory: Path, faster: float) -> dict[str, list[Notice]]:
    """Play storms at the same time, ``faster`` than life, and return what arrives about each."""
    found: dict[str, list[Notice]] = {name: [] for name in storms}
    clock = _Clock()
    changes = _changes(storms)

    def receive(body: dict[str, Any]) -> None:
        firing = tuple(labels["alertname"] for labels in _firing(body))
        found[body["groupLabels"]["job"]].append(Notice(clock.minute, body["receiver"], body["groupKey"], firing))

    with _receiving(receive) as port:
        file = directory / "alertmanager.yml"
        file.write_text(safe_dump(_divided(faster, port)))
        with alertmanager(directory, file) as client:
            began = time.monotonic()
            for minute in range(max(changes, default=0) + _UNTIL_TOLD):
                time.sleep(max(0.0, began + minute * 60 / faster - time.monotonic()))
                clock.minute = minute
                begin, end = changes.get(minute, ([], []))
                # As Prometheus does, in one evaluation: what ends is over when what begins is there.
                if begin:
                    send(client, [(labels, _annotations(labels)) for labels in begin])
                if end:
                    send(client, [(labels, _annotations(labels)) for labels in end], resolved=True)
    return found


def told_of(alerts: Sequence[Labels], number: int, directory: Path) -> list[Labels]:
    """Return those of ``alerts`` that somebody is told of when all begin at once, by the shipped routes and inhibitions.

    ``number`` is how many are expected: they are waited for, and what else was due before the last group of all is among them.
    """
    found: list[Labels] = []
    last = {"alertname": "Last"}
    with _receiving(lambda body: found.extend(_firing(body))) as port:
        config = _with_our_address(safe_load(CONFIG_FILE.read_text()), port)
        for route in every_route(config):
            route["group_wait"] = _GROUP_WAIT
        config["route"]["routes"].insert(
            0, {"matchers": ['alertname = "Last"'], "receiver": "tickets", "group_wait": _LAST_GROUP_WAIT}
        )
        file = directory / "alertmanager.yml"
        file.write_text(safe_dump(config))
        with alertmanager(directory, file) as client:
            send(client, [(labels, _annotations(labels)) for labels in alerts])
            send(client, [(last, {})])
            end = time.monotonic() + _PATIENCE
            while not (last in found and len(found) > number) and time.monotonic() < end:
                time.sleep(0.1)
    return [labels for labels in found if labels != last]


@dataclass(slots=True)
class _Clock:
    minute: int = 0


def _changes(storms: Mapping[str, Sequence[Spell]]) -> dict[int, tuple[list[Labels], list[Labels]]]:
    changes: dict[int, tuple[list[Labels], list[Labels]]] = {}
    for spell in chain.from_iterable(storms.values()):
        changes.setdefault(spell.begin, ([], []))[0].append(spell.labels)
        if spell.end is not None:
            changes.setdefault(spell.end, ([], []))[1].append(spell.labels)
    return changes


def _annotations(labels: Labels) -> dict[str, str]:
    return {"summary": _SUMMARIES[labels["alertname"]]}


def _divided(faster: float, port: int) -> dict[str, Any]:
    """Return the shipped configuration in divided time, with our address."""
    config: dict[str, Any] = safe_load(CONFIG_FILE.read_text())
    config["route"] = {**_DEFAULTS, **config["route"]}
    for route in every_route(config):
        for name in _DEFAULTS:
            if name in route:
                route[name] = divided(route[name], faster)
    return _with_our_address(config, port)


def _with_our_address(config: dict[str, Any], port: int) -> dict[str, Any]:
    """Return a configuration whose receivers are addresses of this machine."""
    config["receivers"] = [
        {"name": receiver["name"], "webhook_configs": [{"url": f"http://127.0.0.1:{port}/", "send_resolved": all_clear}]}
        if (all_clear := sends_all_clears(receiver)) is not None
        else receiver
        for receiver in config["receivers"]
    ]
    return {name: config[name] for name in ("route", "inhibit_rules", "receivers")}


def _firing(body: dict[str, Any]) -> list[Labels]:
    """Return the alerts that fire of a message."""
    return [alert["labels"] for alert in body["alerts"] if alert["status"] == "firing"]


@contextmanager
def _receiving(receive: Callable[[dict[str, Any]], None]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receive(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port
