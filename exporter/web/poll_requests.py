"""``POST /-/poll``: what may be asked for, and what is said of it; a form of the board is led back to the board."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from exporter.state.poll_requests import PollAnswer, PollRequest
from exporter.state.snapshot import TargetView, View
from exporter.web.backend import Backend
from exporter.web.status_page import anchor

MAX_TARGETS: Final = 25
"""A page of the board: more at once would be the storm that our own timing prevents."""


def poll_now(request: Request, backend: Backend) -> Response:
    """Let the named targets be polled now; all names of targets are known to exist.

    202 when a poll begins or will, else 200; 400 without a target or with too many, 404 for a collector that none of them has,
    503 in standby.
    """
    view = backend.view()
    asked = dict.fromkeys(request.query_params.getlist("target"))
    if not asked:
        return PlainTextResponse(
            "Give ?target=NAME, once or more: polling all targets at once would overload the platforms.\n", 400
        )
    if len(asked) > MAX_TARGETS:
        return PlainTextResponse(f"Name at most {MAX_TARGETS} targets at a time: more would overload the platforms.\n", 400)
    if view.standby:
        return PlainTextResponse("Not asked: standby; another exporter is active, and this one polls nothing.\n", 503)
    targets = [target for target in view.targets if target.name in asked]
    names = request.query_params.getlist("collector")
    known = {row.collector for target in targets for row in target.collectors}
    asks_something = not all(target.policy.paused for target in targets)  # else there is no collector to be known
    if asks_something and (unknown := sorted(set(names) - known)):
        return PlainTextResponse(
            f"No such collector: {', '.join(map(repr, unknown))}. There are {', '.join(sorted(known))}.\n", 404
        )
    wanted = frozenset(name for name in known if name in names) if names else None
    found = [(target, () if target.policy.paused else backend.poll_now(target.name, wanted)) for target in targets]
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(_back(request, targets[0].name), 303)
    changes = any(one.answer in (PollAnswer.NOW, PollAnswer.WAITS) for _, rows in found for one in rows)
    return PlainTextResponse("".join(_lines(view, found)), 202 if changes else 200)


def _lines(view: View, found: Iterable[tuple[TargetView, Sequence[PollRequest]]]) -> Iterable[str]:
    for target, rows in found:
        if target.policy.paused:
            yield f"{target.name}: paused in the configuration, not polled\n"
        elif not rows:
            yield f"{target.name}: no collector to poll\n"
        for one in rows:
            yield f"{target.name} {one.collector.value}: {_said(one, view.at)}\n"


def _said(asked: PollRequest, now: float) -> str:
    match asked.answer:
        case PollAnswer.NOW:
            return "asked now"
        case PollAnswer.POLLING:
            return "polling already"
        case PollAnswer.WAITS:
            at = datetime.fromtimestamp(now + asked.seconds, UTC)
            return f"will be asked at {at:%H:%M:%S} UTC: the platform asked us to wait until then"
        case PollAnswer.TOO_SOON:
            return f"asked a moment ago; it can be asked for again in {math.ceil(asked.seconds)} s"


def _back(request: Request, target: str) -> str:
    """Return the way from here to the board as it was, at ``target``; relative, as the exporter may be served in a folder."""
    kept = {name: value for name in ("q", "sort", "page", "lang") if (value := request.query_params.get(name))}
    place = anchor(target)
    return f"../?{urlencode(kept)}#{place}" if kept else f"../#{place}"
