"""``/_sim/``: look at the simulated world and steer it, by hand or from a script. Loopback only, so without a password."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator.drills.incidents import IncidentControl
from exporter.simulator.faults import FaultBoard, fault_from_json
from exporter.simulator.requestlog import RequestLog


class Controlled(Protocol):
    """What ``/_sim/`` shows and steers."""

    log: RequestLog
    faults: FaultBoard
    incidents: IncidentControl

    def overview(self) -> Mapping[str, object]:
        """Return what there is to see."""
        ...

    def reset(self) -> None:
        """Go back to the world of the first moment."""
        ...


class _Pretty(JSONResponse):
    def render(self, content: object) -> bytes:
        return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def routes(simulator: Controlled) -> list[Route]:
    """Return the routes below ``/_sim``."""
    desk = _ControlRoutes(simulator)
    return [
        Route("/", desk.overview),
        Route("/log", desk.log),
        Route("/incidents/{name}/{action}", desk.incident, methods=["POST"]),
        Route("/faults", desk.faults, methods=["GET", "POST", "DELETE"]),
        Route("/reset", desk.reset, methods=["POST"]),
    ]


class _ControlRoutes:
    def __init__(self, simulator: Controlled) -> None:
        self._simulator = simulator

    async def overview(self, _: Request) -> Response:
        return _Pretty({**self._simulator.overview(), "faults": self._faults(), "endpoints": _HELP})

    async def log(self, request: Request) -> Response:
        limit = request.query_params.get("limit", "100")
        if not limit.isascii() or not limit.isdigit():
            return _refused("limit must be a whole number")
        calls = [call.to_json() for call in self._simulator.log]
        return _Pretty({"total": len(self._simulator.log), "calls": calls[max(0, len(calls) - int(limit)) :]})

    async def incident(self, request: Request) -> Response:
        incidents = self._simulator.incidents
        name, action = request.path_params["name"], request.path_params["action"]
        if name not in incidents.names:
            return _refused(f"unknown incident; one of {', '.join(incidents.names)}", 404)
        if action == "start":
            incidents.start(name)
        elif action == "stop":
            incidents.stop(name)
        else:
            return _refused("say start or stop", 404)
        return _Pretty(incidents.overview())

    async def faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._simulator.faults.clear()
        elif request.method == "POST":
            try:
                self._simulator.faults.add(fault_from_json(json.loads(await request.body())))
            except (ValueError, RecursionError) as error:
                return _refused(str(error))
        return _Pretty(self._faults())

    async def reset(self, _: Request) -> Response:
        self._simulator.reset()
        return _Pretty({"reset": True})

    def _faults(self) -> list[dict[str, object]]:
        return [asdict(fault) for fault in self._simulator.faults.active()]


_HELP = {
    "GET /_sim/": "this overview",
    "GET /_sim/log?limit=100": "the newest calls, secrets masked",
    "POST /_sim/incidents/{name}/start": "start an incident; /stop ends it",
    "POST /_sim/faults": 'switch a fault on, e.g. {"kind": "status", "status": 502, "times": 3}; DELETE clears',
    "POST /_sim/reset": "go back to the first moment",
}


def _refused(why: str, status: int = 400) -> Response:
    return _Pretty({"error": why}, status)
