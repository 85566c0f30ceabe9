"""Receivers and routes in Alertmanager's own words: for what ``monitoring.yml`` has no key for, and for alerts of others.

They are taken over as they stand. What is checked is what would break the bundle beside them, or show a secret; whether an
Alertmanager takes the rest says ``amtool check-config``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, PlainValidator, WithJsonSchema

from exporter.fields.kinds import FieldProblem, field_error, seen, shown
from exporter.fields.links import A_USER, secret_part
from exporter.monitoring.hurry import GROUP_WAITS
from exporter.monitoring.unreached import OF_THE_BUNDLE, in_their_own_words, takes_all, takings
from exporter.platforms.settings import Strict

KeyPath: TypeAlias = tuple[str | int, ...]

_SECRET: Final = frozenset(
    {
        *("api_key", "api_secret", "api_url", "auth_password", "auth_secret", "bearer_token", "bot_token", "client_secret"),
        *("credentials", "password", "routing_key", "secret_key", "service_key", "token", "user_key", "webhook_url"),
        *("alert_source_token", "secrets"),
    }
)
"""Keys of Alertmanager that hold a secret; each has a brother that ends with ``_file``, or is in :data:`_FILES`."""
_FILES: Final = {"secrets": "files"}
_MATCHERS: Final = ("matchers", "match", "match_re")


def _receiver(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"].strip():
        raise field_error("is not a receiver of Alertmanager", "write {name: NAME, webhook_configs: [{url: ADDRESS}]}")
    seen(value["name"])
    for key, ways in value.items():
        if key != "name" and not (str(key).endswith("_configs") and _are_mappings(ways)):
            raise field_error(
                f"{shown(str(key))} is not a list of integrations", "write one like webhook_configs: [{url: ADDRESS}]"
            )
    for key, inside in _pairs(value):
        if key in _SECRET or (isinstance(inside, str) and "PRIVATE KEY-----" in inside):
            # Never shown.
            file = _FILES.get(key, f"{key}_file")
            raise field_error(f"{key} is a secret", f"put it into a file that Alertmanager can read and write {file}")
        if isinstance(inside, str) and "://" in inside and secret_part(inside) == A_USER:
            raise field_error(f"{key} holds a user or a password", "write them as basic_auth of http_config, by password_file")
    for hook in value.get("webhook_configs", ()):
        if secret := secret_part(str(hook.get("url", ""))):
            raise field_error(f"url holds {secret}", "put the whole address into a file and write url_file")
    return value


def _route(value: object) -> Mapping[str, Any]:
    if not _is_route(value):
        raise field_error("is not a route of Alertmanager", "write {matchers: ['team = \"it\"'], receiver: NAME}")
    assert isinstance(value, dict)  # noqa: S101  it is a route
    for _, one in _all_of(value, ()):
        _form_of(one)
    if not any(value.get(key) for key in _MATCHERS) and value.get("continue") is not True:
        raise field_error("matches every alert, so the pager gets none", "add matchers, or continue: true")
    return value


def _form_of(route: Mapping[str, Any]) -> None:
    """Raise for a key that no route has, or whose value has another form."""
    if unknown := sorted(str(key) for key in route if key not in _ROUTE_KEYS):
        near = get_close_matches(unknown[0], _ROUTE_KEYS, 1)
        fix = f"did you mean {near[0]}?" if near else f"use one of {', '.join(sorted(_ROUTE_KEYS))}"
        raise field_error(f"{shown(unknown[0])} is not a key of a route", fix)
    for key, (is_so, wanted) in _FORMS.items():
        if key in route and not is_so(route[key]):
            raise field_error(f"{key} has a form that Alertmanager does not read", f"write {wanted}")


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_wait(text: str) -> bool:
    return re.fullmatch(r"(?:\d+(?:ms|[smhdw]))+|0", text) is not None


_FORMS: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "matchers": (_are_texts, "a list of texts such as ['team = \"it\"']"),
    "group_by": (_are_texts, "a list of labels such as [alertname, job]"),
    **dict.fromkeys(("active_time_intervals", "mute_time_intervals"), (_are_texts, "a list of names such as [office-hours]")),
    **dict.fromkeys(("match", "match_re"), (lambda value: isinstance(value, dict), "a mapping such as {team: it}")),
    **dict.fromkeys(GROUP_WAITS, (lambda value: isinstance(value, str) and _is_wait(value), "a duration such as 5m")),
}
"""What Alertmanager takes for the keys of a route; what it would not even read, or what a rehearsal divides."""
_ROUTE_KEYS: Final = frozenset({*_FORMS, "receiver", "continue", "routes"})


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
    """Parts of Alertmanager's file in its own format, for what has no key here, and for alerts of other programs."""

    receivers: Annotated[tuple[Receiver, ...], Field(strict=False)] = Field(
        default=(), description="Receivers in the form of Alertmanager's documentation; secrets only as files."
    )
    routes: Annotated[tuple[Route, ...], Field(strict=False)] = Field(
        default=(),
        description="Routes that come before those of the bundle: alerts that match a route without `continue: true` go no "
        "further.",
    )

    def problems(self, receivers: Sequence[str], intervals: Sequence[str]) -> Iterator[FieldProblem]:
        """Yield names that clash with the bundle's ``receivers``, or that nothing of it has, and what no alert reaches."""
        known = [*receivers, *(receiver["name"] for receiver in self.receivers)]
        yield from self._receiver_problems(receivers)
        for number, route in enumerate(self.routes):
            for place, one in _all_of(route, ("routes", number)):
                yield from _route_problems(place, one, known, intervals)
        for taking in takings(self.routes, ("extra", "routes")):
            if takes_all(taking, OF_THE_BUNDLE):
                fix = "narrow its matchers, or add continue: true"
                yield FieldProblem(taking.place[1:], "matches every alert of the bundle, so the pager gets none", fix)
        for problem in in_their_own_words(self.routes, ("extra", "routes"), frozenset()):
            yield problem._replace(path=problem.path[1:])

    def _receiver_problems(self, receivers: Sequence[str]) -> Iterator[FieldProblem]:
        routes = [one for route in self.routes for _, one in _all_of(route, ())]
        named = {one.get("receiver") for one in routes}
        known = list(receivers)
        for number, receiver in enumerate(self.receivers):
            name, place = receiver["name"], ("receivers", number, "name")
            if name in known:
                whose = "a receiver of the bundle" if name in receivers else "named twice"
                yield FieldProblem(place, f"{shown(name)} is {whose}", "use another name")
            elif name not in named:
                yield FieldProblem(place, "no route leads to it", "name it in a route of extra, or remove it")
            known.append(name)


def _route_problems(
    place: KeyPath, route: Mapping[str, Any], receivers: Sequence[str], intervals: Sequence[str]
) -> Iterator[FieldProblem]:
    if not place[2:] and "receiver" not in route:
        yield FieldProblem(place, "names no receiver", "add receiver: NAME")
    if "receiver" in route and route["receiver"] not in receivers:
        fix = f"add it to extra.receivers, or name one of {', '.join(receivers)}"
        yield FieldProblem((*place, "receiver"), "is not the name of a receiver", fix)
    for key in ("active_time_intervals", "mute_time_intervals"):
        if unknown := [name for name in route.get(key) or () if name not in intervals]:
            fix = "name office-hours" if intervals else "add office_hours and name office-hours"
            yield FieldProblem((*place, key), f"{shown(str(unknown[0]))} is not an interval of the bundle", fix)


def _all_of(route: Mapping[str, Any], place: KeyPath) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    yield place, route
    for number, child in enumerate(route.get("routes", [])):
        yield from _all_of(child, (*place, "routes", number))
