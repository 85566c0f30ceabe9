"""``/api/v1/status``: what the status board shows, as JSON with a published schema (``docs/status.schema.json``)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from inspect import cleandoc
from typing import Any, TypeVar

import msgspec

from exporter import __version__
from exporter.limits import BOARD_TARGETS, STATUS_ANSWER
from exporter.model import WHOLE
from exporter.policy import WarningKind
from exporter.state.findings import Finding, findings
from exporter.state.snapshot import TargetView, View
from exporter.state.verdict_row import Verdict
from exporter.web.judged import states_of, summary_of, verdict_of
from exporter.web.moments import moment_of
from exporter.web.status_documents import listed_document, problem_document, target_document
from exporter.web.status_types import (
    VERSION,
    ConfigWarning,
    EntityLinks,
    Missing,
    Status,
    Target,
    TargetState,
)

T = TypeVar("T")


def encode_status(view: View, targets: frozenset[str] | None = None, page: int | None = None) -> bytes:
    """Return the JSON text of ``view``, narrowed to the named ``targets`` unless ``None``.

    Of those with a ``page``, counted from 1, only that one. Problems and targets that would make the text longer than
    :data:`~exporter.limits.STATUS_ANSWER` are left out, and it says so.
    """
    if targets is not None:
        view = _narrowed(_of_these_alone(view, targets), targets)
    found = findings(view)
    states = states_of(view, found)
    whole = head_of(view, found, states, page)
    if page is not None:
        view = _narrowed(view, frozenset(target.name for target in on_page(view.targets, page)))
    of_name = _by_name(view)
    of_these = [finding for finding in found if finding.target in of_name]
    broken = [finding for finding in of_these if finding.is_problem]
    listed = [finding for finding in of_these if finding.verdict is Verdict.OK]
    # One thing at a time: thousands in a single call would hold the interpreter, and with it the event loop.
    shown, problems_bytes = _written(
        STATUS_ANSWER.number // 2, (problem_document(problem, of_name[problem.target]) for problem in broken)
    )
    room = STATUS_ANSWER.number - problems_bytes
    listings, listed_bytes = _written(room // 2, (listed_document(finding, of_name[finding.target]) for finding in listed))
    documents, _ = _written(
        room - listed_bytes, (target_document(target, view.at, states[target.name]) for target in view.targets)
    )
    truncated = len(shown) < len(broken) or len(listings) < len(listed) or len(documents) < len(view.targets)
    status = msgspec.structs.replace(whole, problems=shown, listed=listings, targets=documents, truncated=truncated)
    return msgspec.json.encode(status)


def pages_of(targets: int) -> int:
    """Return how many pages so many targets fill; none fill one."""
    return max(1, -(-targets // BOARD_TARGETS.number))


def on_page(targets: Sequence[T], page: int) -> Sequence[T]:
    """Return the part of ``targets`` that is on ``page``, counted from 1."""
    return targets[(page - 1) * BOARD_TARGETS.number : page * BOARD_TARGETS.number]


def schema_text(platforms: Iterable[str]) -> str:
    """Return the JSON Schema (2020-12) of the answer: the text of ``docs/status.schema.json``.

    ``platforms`` are those that there are.
    """
    about = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "booking-sync-exporter: GET /api/v1/status",
    }
    schema = msgspec.json.schema(Status)
    definitions = {}
    for name, definition in schema["$defs"].items():
        definitions[name] = definition
        if "description" in definition:  # a docstring, whose indentation is kept up to Python 3.12 and taken away since
            definition["description"] = cleandoc(definition["description"])
        if name == Target.__name__:
            definition["properties"]["platform"] = {"$ref": "#/$defs/Platform"}
        if name == EntityLinks.__name__:
            definitions["Platform"] = {"title": "Platform", "enum": sorted(platforms)}
    return json.dumps(about | {**schema, "$defs": definitions}, indent=2) + "\n"


def status_of(view: View, targets: frozenset[str] | None = None) -> Status:
    """Return the whole document for ``view``, narrowed to the named ``targets`` unless ``None``."""
    if targets is not None:
        view = _narrowed(_of_these_alone(view, targets), targets)
    found = findings(view)
    states = states_of(view, found)
    of_name = _by_name(view)
    return msgspec.structs.replace(
        head_of(view, found, states),
        problems=tuple(problem_document(finding, of_name[finding.target]) for finding in found if finding.is_problem),
        listed=tuple(listed_document(finding, of_name[finding.target]) for finding in found if finding.verdict is Verdict.OK),
        targets=tuple(target_document(target, view.at, states[target.name]) for target in view.targets),
    )


def _of_these_alone(view: View, targets: frozenset[str]) -> View:
    """Return ``view`` without what its configuration says of others, or of the exporter as a whole."""
    own = tuple(warning for warning in view.config_warnings if warning.target in targets)
    accepted = tuple(warning for warning in view.accepted_warnings if warning.target in targets)
    return msgspec.structs.replace(view, config_warnings=own, accepted_warnings=accepted, rejected_config=None)


def _narrowed(view: View, targets: frozenset[str]) -> View:
    shown = tuple(target for target in view.targets if target.name in targets)
    missing = tuple(item for item in view.missing if item[0] in targets)
    warnings = tuple(row for row in view.config_warnings if row.target is None or row.target in targets)
    accepted = tuple(row for row in view.accepted_warnings if row.target in targets)
    return msgspec.structs.replace(view, targets=shown, missing=missing, config_warnings=warnings, accepted_warnings=accepted)


def _written(room: int, documents: Iterable[msgspec.Struct]) -> tuple[tuple[Any, ...], int]:
    """Return the JSON texts of as many of ``documents`` as ``room`` (bytes) is for, and how many bytes they are."""
    found, size = [], 0
    for document in documents:
        text = msgspec.json.encode(document)
        if size + len(text) > room:
            break
        found.append(msgspec.Raw(text))
        size += len(text) + 1
    return tuple(found), size


def _by_name(view: View) -> Mapping[str, TargetView | None]:
    """Return the targets by name; the empty name is that of the exporter as a whole, which is none."""
    return {"": None, **{target.name: target for target in view.targets}}


def head_of(view: View, found: Sequence[Finding], states: Mapping[str, TargetState], page: int | None = None) -> Status:
    """Return the whole document but for its lists. ``found`` are the findings of ``view``, ``states`` those of its targets."""
    return Status(
        schema_version=VERSION,
        exporter_version=__version__,
        generated_at=moment_of(view.at),
        ready=view.ready,
        standby=view.standby,
        shard=None if view.shard == WHOLE else view.shard,
        page=page,
        pages=pages_of(len(view.targets)),
        truncated=False,
        missing=tuple(Missing(target=target, collector=collector) for target, collector in view.missing),
        verdict=verdict_of(view, found),
        summary=summary_of(states, found),
        config_warnings=tuple(
            ConfigWarning(kind=WarningKind(row.kind), target=row.target, message=str(row.message), fix=str(row.fix))
            for row in view.config_warnings
        ),
        problems=(),
        listed=(),
        targets=(),
    )
