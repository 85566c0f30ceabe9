"""Receivers and routes in Alertmanager's own words: for what ``monitoring.yml`` has no key for, and for alerts of others.

They are taken over as they stand. What is checked is what would break the bundle beside them, or show a secret; whether an
Alertmanager takes the rest says ``amtool check-config``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, WithJsonSchema

from exporter.fields.kinds import FieldProblem, field_error, shown
from exporter.platforms.settings import Strict

Place: TypeAlias = tuple[str | int, ...]

_SECRET: Final = frozenset(
    {
        *("api_key", "api_secret", "api_url", "auth_password", "auth_secret", "bearer_token", "bot_token", "client_secret"),
        *("credentials", "password", "routing_key", "secret_key", "service_key", "token", "user_key", "webhook_url"),
    }
)
"""Keys of Alertmanager that hold a secret; each has a brother that ends with ``_file``."""
_MATCHERS: Final = ("matchers", "match", "match_re")


def _receiver(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"].strip():
        raise field_error("is not a receiver of Alertmanager", "write {name: NAME, webhook_configs: [{url: ADDRESS}]}")
    for key, ways in value.items():
        if key != "name" and not (str(key).endswith("_configs") and _are_mappings(ways)):
            raise field_error(f"{shown(str(key))} is not a list of ways", "write one like webhook_configs: [{url: ADDRESS}]")
    for key, inside in _pairs(value):
        if key in _SECRET:
            # Never shown.
            raise field_error(f"{key} is a secret", f"put it into a file that Alertmanager can read and write {key}_file")
        if isinstance(inside, str) and _signs_in(inside):
            raise field_error(f"{key} holds a user or a password", "write them as basic_auth of http_config, by password_file")
    return value


def _route(value: object) -> Mapping[str, Any]:
    if not _is_route(value):
        raise field_error("is not a route of Alertmanager", "write {matchers: ['team = \"it\"'], receiver: NAME}")
    assert isinstance(value, dict)  # noqa: S101  it is a route
    if not any(value.get(key) for key in _MATCHERS) and value.get("continue") is not True:
        raise field_error("takes every alert, and the pager gets none", "add matchers, or continue: true")
    return value


def _is_route(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("receiver", ""), str):
        return False
    below = value.get("routes", [])
    return isinstance(below, list) and all(map(_is_route, below))


def _are_mappings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _pairs(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inside in value.items():
            yield str(key), inside
            yield from _pairs(inside)
    elif isinstance(value, list):
        for one in value:
            yield from _pairs(one)


def _signs_in(text: str) -> bool:
    try:
        return "://" in text and "@" in urlsplit(text).netloc
    except ValueError:
        return False


Receiver = Annotated[
    Mapping[str, Any],
    PlainValidator(_receiver),
    WithJsonSchema({"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}),
]
Route = Annotated[
    Mapping[str, Any],
    PlainValidator(_route),
    WithJsonSchema({"type": "object", "properties": {"receiver": {"type": "string"}, "matchers": {"type": "array"}}}),
]


class Extra(Strict):
    """Parts of Alertmanager's file in its own words, for what has no key here, and for alerts of others."""

    receivers: Annotated[tuple[Receiver, ...], Field(strict=False)] = Field(
        default=(), description="Receivers, as Alertmanager's documents have them; secrets by file."
    )
    routes: Annotated[tuple[Route, ...], Field(strict=False)] = Field(
        default=(), description="Routes, before those of the bundle: one without `continue: true` keeps what it takes."
    )

    def problems(self, receivers: Sequence[str], intervals: Sequence[str]) -> Iterator[FieldProblem]:
        """Yield names that clash with the bundle's ``receivers``, or that nothing of it has."""
        known = list(receivers)
        for number, receiver in enumerate(self.receivers):
            name = receiver["name"]
            if name in known:
                whose = "a receiver of the bundle" if name in receivers else "named twice"
                yield FieldProblem(("receivers", number, "name"), f"{shown(name)} is {whose}", "use another name")
            known.append(name)
        for number, route in enumerate(self.routes):
            for place, one in _all_of(route, ("routes", number)):
                if not place[2:] and "receiver" not in one:
                    yield FieldProblem(place, "names no receiver", "add receiver: NAME")
                if "receiver" in one and one["receiver"] not in known:
                    fix = f"add it to extra.receivers, or name one of {', '.join(known)}"
                    yield FieldProblem((*place, "receiver"), "is not the name of a receiver", fix)
                for key in ("active_time_intervals", "mute_time_intervals"):
                    if unknown := [name for name in one.get(key) or () if name not in intervals]:
                        fix = "name office-hours" if intervals else "add office_hours and name office-hours"
                        yield FieldProblem((*place, key), f"{shown(str(unknown[0]))} is not an interval of the bundle", fix)


def _all_of(route: Mapping[str, Any], place: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    yield place, route
    for number, child in enumerate(route.get("routes", [])):
        yield from _all_of(child, (*place, "routes", number))
