"""The configuration's JSON Schema and its written reference, both made from the models, so that they cannot drift."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from exporter.config import Config
from exporter.config.grafana import GrafanaAddress
from exporter.config.pairs import BookedResource, Pair
from exporter.config.settings import Defaults
from exporter.config.verdicts import Verdicts
from exporter.fields.credentials import SECRET_FORMS
from exporter.fields.durations import PATTERN as DURATION_PATTERN
from exporter.monitoring import Settings
from exporter.monitoring.delivery import (
    MailServer,
    MailTo,
    OfficeHours,
    PagerDuty,
    Receivers,
    Route,
    Slack,
    Telegram,
    Way,
    Webhook,
)
from exporter.monitoring.extra import Extra
from exporter.monitoring.settings import Addresses, Alerts, Grafana
from exporter.platforms.base import Section
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import MAY_BE_EMPTY_KEY, Accepted, TargetTls, WrittenWindow, models_in
from tools.marked import put

_FIRST: Final = ("name", "platform", "interval", "max_age", "window", "windows")
_BEGIN: Final = "<!-- generated from the settings of the platforms: begin -->\n"
_BEGIN_MONITORING: Final = "<!-- generated from the settings of the bundle: begin -->\n"
_END: Final = "<!-- generated: end -->\n"
_CLAUSE: Final = re.compile(r"[.:;](?:\s|$)|, and | \(")
_NULL: Final = {"type": "null"}
_DEFINED: Final = "#/$defs/"
_FOR_ANCHORS: Final = {"^x-": {"description": "Ignored by the exporter: a place for YAML anchors."}}
_SCHEMA_VERSION: Final = "https://json-schema.org/draft/2020-12/schema"

# In the order of the reference: a heading, the model, and where it stands in the file.
_SECTIONS: Final[tuple[Section, ...]] = (
    Section("Top of the file", Config, ""),
    Section("Defaults", Defaults, "`defaults`"),
    Section("Window", WrittenWindow, "`windows[]`, and `windows[]` of a collector"),
    Section("Target `tls`", TargetTls, "`tls` of a target of any platform"),
    Section("Grafana", GrafanaAddress, "`grafana`"),
    Section("Accepted", Accepted, "`accepted[]` of a target of any platform"),
    Section("Verdicts", Verdicts, "`verdicts`"),
    Section("Pair", Pair, "`pairs[]`"),
    Section("Bookings of a pair", BookedResource, "`bookings` of a pair"),
    *(section for platform in PLATFORMS.values() for section in platform.reference),
)


_MONITORING: Final[tuple[Section, ...]] = (
    Section("Top of the file", Settings, ""),
    Section("Addresses", Addresses, "`addresses`"),
    Section("Alerts", Alerts, "`alerts`"),
    Section("Mail", MailServer, "`mail`"),
    Section("Receivers", Receivers, "`receivers`"),
    Section("Way", Way, "Each row of `receivers.*` and of `routes[].to`"),
    Section("PagerDuty", PagerDuty, "`pagerduty` of a way"),
    Section("Telegram", Telegram, "`telegram` of a way"),
    Section("Mail to somebody", MailTo, "`mail` of a way"),
    Section("Slack", Slack, "`slack` of a way"),
    Section("Webhook", Webhook, "`webhook` of a way"),
    Section("Route", Route, "`routes[]`"),
    Section("Office hours", OfficeHours, "`office_hours`"),
    Section("Extra", Extra, "`extra`"),
    Section("Grafana", Grafana, "`grafana`"),
)


def json_schema(file: type[BaseModel] = Config) -> str:
    """Return the JSON Schema (draft 2020-12) of a configuration file, for editors."""
    schema = file.model_json_schema(by_alias=True)
    if file is Config:
        _share(schema)
    for definition in schema["$defs"].values():
        definition["title"] = _title(definition["description"])
    return json.dumps({"$schema": _SCHEMA_VERSION} | _tidy(schema), indent=2, ensure_ascii=False) + "\n"


def _share(schema: dict[str, Any]) -> None:
    """Describe ``defaults`` like the targets that they are for, with nothing required, and allow keys for anchors."""
    parts = schema["$defs"]
    blocks = parts[Defaults.__name__]["properties"]
    for name, platform in PLATFORMS.items():
        shared = _with_nothing_required(platform.settings.__name__, parts)
        for key in platform.settings.OWN:
            del parts[shared]["properties"][key]
        blocks[name] = {"description": blocks[name]["description"], "anyOf": [{"$ref": _DEFINED + shared}, _NULL]}
        blocks[name][MAY_BE_EMPTY_KEY] = True
        for part in (parts[shared], parts[platform.settings.__name__]):
            part["patternProperties"] = _FOR_ANCHORS
    for part in (schema, parts[Defaults.__name__]):
        part["patternProperties"] = _FOR_ANCHORS


def _with_nothing_required(name: str, parts: dict[str, Any]) -> str:
    """Add to ``parts`` the mapping ``name`` as it stands in defaults, where a target brings the rest. Returns its name."""
    shared = f"{name}Defaults"
    if shared not in parts:
        parts[shared] = {key: value for key, value in parts[name].items() if key != "required"}
        parts[shared]["properties"] = {key: _shared(value, parts) for key, value in parts[name]["properties"].items()}
    return shared


def _shared(node: Any, parts: dict[str, Any]) -> Any:  # noqa: ANN401  JSON
    """Return ``node`` with the mappings in it as they stand in defaults; a row of a list is whole there, too."""
    if not isinstance(node, dict):
        return node
    shared = {key: [_shared(option, parts) for option in value] if key == "anyOf" else value for key, value in node.items()}
    if "$ref" in node:
        shared["$ref"] = _DEFINED + _with_nothing_required(node["$ref"].removeprefix(_DEFINED), parts)
    return shared


def _title(description: str) -> str:
    """Return what an editor shows above a mapping: how its description begins, in place of the name of a class."""
    return _CLAUSE.split(" ".join(description.split()), maxsplit=1)[0]


def _tidy(node: Any) -> Any:  # noqa: ANN401  JSON
    """Drop pydantic's titles made from names, and what stands for an absent key."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy = {key: _tidy(value) for key, value in node.items() if not (key == "default" and value is None)}
    if "patternProperties" in tidy:
        tidy = {key: value for key, value in tidy.items() if key != "propertyNames"} | {"additionalProperties": False}
    if isinstance(tidy.get("properties"), dict):
        for name, value in tidy["properties"].items():
            if value.get("title", "").replace(" ", "_").lower() == name.lower():
                del value["title"]
    options = tidy.get("anyOf")
    if isinstance(options, list) and _NULL in options and not tidy.pop(MAY_BE_EMPTY_KEY, False):
        rest = [option for option in options if option != _NULL]
        del tidy["anyOf"]
        return (rest[0] if len(rest) == 1 else {"anyOf": rest}) | tidy
    return tidy


def reference(sections: Sequence[Section] = _SECTIONS) -> str:
    """Return the tables of a reference as Markdown."""
    return "\n".join(_lines(sections))


def with_reference(page: str) -> str:
    """Return ``page`` (docs/configuration.md) with its generated part written anew."""
    return put(page, _BEGIN, _END, reference())


def with_monitoring(page: str) -> str:
    """Return ``page`` (docs/monitoring-file.md) with its generated part written anew."""
    return put(page, _BEGIN_MONITORING, _END, reference(_MONITORING))


def _lines(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        heading, model, place = section.heading, section.model, section.place
        yield f"### {heading}\n"
        yield f"{place}. {_sentence(model)}\n" if place else f"{_sentence(model)}\n"
        yield "| key | value | default | meaning |"
        yield "|---|---|---|---|"
        if model is Verdicts:  # a table of a line or two for each kind would be a page of headings
            for kind, row in Verdicts.model_fields.items():
                for part in models_in(row.annotation):
                    yield from _rows(part, f"{kind}.", f"{row.description} ")
        else:
            yield from _rows(model)
        yield ""


def _rows(model: type[BaseModel], before: str = "", what: str = "") -> Iterator[str]:
    properties = model.model_json_schema(by_alias=True)["properties"]
    fields = model.model_fields.items()
    for name, field in sorted(fields, key=lambda item: _FIRST.index(item[0]) if item[0] in _FIRST else len(_FIRST)):
        key = field.alias or name
        text = (field.description or "").replace("|", "\\|")
        yield f"| `{before}{key}` | {_kind(properties[key])} | {_default(field)} | {what}{text} |"


def _sentence(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _kind(schema: Mapping[str, Any]) -> str:
    tidy = _tidy(dict(schema))
    if tidy.get("oneOf") == SECRET_FORMS:
        return "secret"
    if tidy.get("pattern") == DURATION_PATTERN:
        return "duration"
    if words := tidy.get("enum") or [tidy["const"]] if "const" in tidy or "enum" in tidy else []:
        return ", ".join(f"`{word}`" for word in words)
    if "anyOf" in tidy:
        return " or ".join(dict.fromkeys(_kind(option) for option in tidy["anyOf"] if option != _NULL))
    kind = _JSON_KINDS.get(tidy.get("type", "object"), "number")
    bounds = [f"{words} {tidy[bound]:,.15g}" for bound, words in _BOUNDS if bound in tidy]
    return " ".join([kind, *bounds])


_JSON_KINDS: Final = {
    "array": "list",
    "object": "mapping",
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
}
_BOUNDS: Final = (("exclusiveMinimum", "above"), ("minimum", "from"), ("maximum", "to"))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.default
    if (
        field.default_factory is not None
        or default is None
        or isinstance(default, BaseModel)
        or default in (frozenset(), (), {})
    ):
        return ""  # the meaning says it
    if isinstance(default, tuple) and isinstance(default[0], BaseModel):
        return "an example"
    if isinstance(default, (tuple, frozenset, list)):
        return "`[" + ", ".join(map(str, default)) + "]`"
    return f"`{json.dumps(default) if not isinstance(default, str) else default}`"


if __name__ == "__main__":  # from the root of the repository
    Path("config/exporter.schema.json").write_text(json_schema())
    Path("config/monitoring.schema.json").write_text(json_schema(Settings))
    PAGE = Path("docs/configuration.md")
    PAGE.write_text(with_reference(PAGE.read_text()))
    MONITORING = Path("docs/monitoring-file.md")
    MONITORING.write_text(with_monitoring(MONITORING.read_text()))
