"""``/_sim/``: look at the simulated world and steer it, by hand or from a script. Loopback only, so without a password."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator.faults import fault_from_json

if TYPE_CHECKING:
    from exporter.simulator.simulator import Simulator


class _Pretty(JSONResponse):
    def render(self, content: object) -> bytes:
        return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def routes(simulator: Simulator) -> list[Route]:
    """Return the routes below ``/_sim``."""
    desk = _Desk(simulator)
    return [
        Route("/", desk.overview),
        Route("/log", desk.log),
        Route("/incidents/{name}/{action}", desk.incident, methods=["POST"]),
        Route("/faults", desk.faults, methods=["GET", "POST", "DELETE"]),
        Route("/reset", desk.reset, methods=["POST"]),
    ]


class _Desk:
    def __init__(self, simulator: Simulator) -> None:
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
            except ValueError as error:
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
