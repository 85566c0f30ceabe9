"""What every panel shows in every incident: Prometheus is asked once, and Grafana's own code looks at the answers."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from tests.monitoring.bundle import BOARDS, load_board, panels
from tests.monitoring.fleet_day import HEAD
from tests.monitoring.grafana import RANGE, Panel, ask_prometheus, step_of
from tests.monitoring.incidents import FLEETS, JOBS, write_fleets, write_incidents
from tests.monitoring.servers import prometheus

Json = dict[str, Any]

SALON_WIX, PHYSIO_WIX, SALON_B24, STUDIO_B24 = "salon-berlin-wix", "physio-hamburg-wix", "salon-berlin-b24", "studio-munich-b24"
ANNA = "anna-calendar"
ALL: Final = ".+"
LOOKED_AT: Final = (SALON_WIX, SALON_B24)
"""The targets at whose board somebody looks in a world in which nothing is wrong with others alone."""
INSTEAD: Final = {
    "double-booking": (PHYSIO_WIX,),
    "api-throttled": (STUDIO_B24,),
    "invite-expired": (PHYSIO_WIX,),
    "private-event-sold": (PHYSIO_WIX,),
    "busy-time-offered": (PHYSIO_WIX,),
    "booking-lost": (PHYSIO_WIX,),
    "cancelled-copy-stays": (PHYSIO_WIX,),
    "calendar-shifted": (PHYSIO_WIX,),
    "calendar-password-changed": (ANNA,),
}
OF_A_FLEET: Final = ("site-0000-wix", "site-0000-b24")
BY_STEM: Final = {path.stem: load_board(path) for path in BOARDS}


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody looks: a job, a board, the target that is chosen there, a panel."""

    job: str
    stem: str
    target: str
    title: str

    def __str__(self) -> str:
        chosen = f" of {self.target}" if self.stem == "target" else ""
        return f"{self.job}: {self.stem}{chosen}: {self.title}"

    @property
    def panel(self) -> Json:
        """The panel as the board has it."""
        return next(panel for panel in panels(BY_STEM[self.stem]) if panel["title"] == self.title)


def places(jobs: Iterable[str] = (*JOBS, *FLEETS)) -> Iterator[Place]:
    """Yield every panel of every board in every world; the target board for several of its targets."""
    for job in jobs:
        for stem, board in BY_STEM.items():
            for target in _targets(job) if stem == "target" else (ALL,):
                for panel in panels(board):
                    yield Place(job, stem, target, panel["title"])


def _targets(job: str) -> tuple[str, ...]:
    return OF_A_FLEET if job in FLEETS else INSTEAD.get(job, LOOKED_AT)


@dataclass(frozen=True, slots=True)
class Sights:
    """The answers that every query of every place got at ``now``, and Grafana's code to look at them."""

    now: float
    answers: Mapping[str, Mapping[str, Json]]
    ask: Panel

    def see(self, place: Place, panel: Json | None = None, results: Mapping[str, Json] | None = None) -> Json:
        """Return what people see in a place, or would see if the panel or its answers were others."""
        looked_at = panel or place.panel
        asked = {"panel": looked_at, "results": results or self.answers[str(place)]}
        return self.ask({**asked, "from": self.now - RANGE, "to": self.now, "step": step_of(looked_at)})


def answers(shared: Path) -> tuple[float, Mapping[str, Mapping[str, Json]]]:
    """Return the answers of every place by its text; they are asked once for all processes that share a folder."""
    file = shared / "sights.json"
    with _locked(shared / "sights.lock"):
        if not file.exists():
            file.write_text(json.dumps(_asked(shared)))
    now, found = json.loads(file.read_text())
    return now, found


def _asked(folder: Path) -> tuple[float, dict[str, dict[str, Json]]]:
    now = time.time() // 60 * 60
    found: dict[str, dict[str, Json]] = {}
    for name, jobs, write in (
        ("incidents", JOBS, partial(write_incidents, folder=folder, now=now)),
        ("fleets", FLEETS, partial(write_fleets, now=now)),
    ):
        own = folder / name
        own.mkdir(exist_ok=True)
        with prometheus(own, "global: {}\n", *HEAD) as client:
            write(client)
            found |= {str(place): _answers_of(client, place, now) for place in places(jobs)}
    return now, found


def _answers_of(client: httpx.Client, place: Place, now: float) -> dict[str, Json]:
    variables = {"job": place.job, "target": place.target, "connection": ALL, "instance": ALL, "platform": ALL}
    step = step_of(place.panel)
    return {one["refId"]: ask_prometheus(client, one, variables, now, step) for one in place.panel["targets"]}


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
