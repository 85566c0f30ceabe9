"""Schema, example and reference are made from the models; what the schema says agrees with what the loader does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from exporter.config import Config
from exporter.fields.durations import PATTERN, parse_duration
from exporter.monitoring import Settings
from exporter.platforms.bitrix24.settings import BitrixTarget
from exporter.platforms.wix.settings import WixTarget
from tools.config_reference import json_schema, with_reference

ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests" / "bad_configs"
SITE = "7f1c2d3e-1111-4222-8333-444455556666"

# Mistakes in the form of a single value: an editor has to show them.
IN_THE_SCHEMA = (
    "targets_missing",
    "targets_empty",
    "targets_mapping",
    "target_is_text",
    "timezone_number",
    "unknown_key_top",
    "unknown_key_target",
    "unknown_key_collector",
    "unknown_key_budget",
    "unknown_key_window",
    "key_of_another_platform",
    "platform_missing",
    "platform_unknown",
    "name_missing",
    "tls_text",
    "tls_unknown_key",
    "tls_without_ca_file",
    "ca_file_empty",
    "ca_file_number",
    "ca_file_in_the_wrong_place",
    "proxy_number",
    "site_id_not_ascii",
    "name_empty",
    "name_number",
    "interval_without_unit",
    "interval_words",
    "interval_null",
    "max_age_bad",
    "timeout_list",
    "collector_unknown",
    "collector_of_another_platform",
    "collector_true",
    "status_unknown",
    "statuses_empty",
    "reader_prefix_bad",
    "conflicts_text",
    "count_unknown",
    "max_resources_zero",
    "max_bookings_out_of_range",
    "max_bookings_text",
    "max_bookings_elsewhere",
    "batch_size_large",
    "batch_size_fraction",
    "overlapping_resources_bad",
    "budget_text",
    "budget_out_of_range",
    "label_reserved",
    "label_name_bad",
    "label_value_boolean",
    "secret_both_forms",
    "api_key_number",
    "api_key_list",
    "base_url_user_info",
    "oauth_incomplete",
    "windows_empty",
    "window_name_bad",
    "window_incomplete",
    "window_expression_bad",
    "window_of_a_collector_number",
)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def bitrix24(**settings: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    return {"targets": [{"name": "a", "platform": "bitrix24", "webhook_url": {"env": "X"}} | settings]}


def test_the_schema_file_is_up_to_date() -> None:
    assert json_schema() == (ROOT / "config" / "exporter.schema.json").read_text(), "run python -m tools.config_reference"


@pytest.mark.slow
def test_the_reference_is_up_to_date() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert with_reference(page) == page, "run python -m tools.config_reference"


def test_the_reference_names_every_key() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    for model in (Config, WixTarget, BitrixTarget):
        for name, field in model.model_fields.items():
            assert f"| `{field.alias or name}` |" in page


def test_every_key_has_a_description_in_the_schema() -> None:
    schema = json.loads(json_schema())
    for model in (schema, *schema["$defs"].values()):
        for name, field in model["properties"].items():
            assert field.get("description"), f"{model['title']}.{name}"


@pytest.mark.slow
def test_the_shipped_example_fits_the_schema(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(yaml.safe_load((ROOT / "config" / "exporter.yml").read_text()))


@pytest.mark.slow
def test_what_the_example_shows_commented_out_fits_the_schema_too(validator: jsonschema.Draft202012Validator) -> None:
    text = (ROOT / "config" / "exporter.yml").read_text()
    shown = re.sub(r"^( *)#(?=- |\w+:| {2,}\w+:)", r"\1", text, flags=re.MULTILINE)
    config = yaml.safe_load(shown)
    assert 4 == len(config["targets"])
    assert config["state_file"]
    assert config["targets"][1]["collectors"]["bookings"]["per_resource"] is True
    validator.validate(json.loads(json.dumps(config, default=str)))  # editors do not make days of text


@pytest.mark.parametrize("secret", ["value", {"file": "/run/secrets/x"}, {"env": "NAME"}])
def test_both_forms_of_a_secret_and_the_value_fit_the_schema(validator: jsonschema.Draft202012Validator, secret: Any) -> None:  # noqa: ANN401  JSON
    validator.validate(bitrix24(webhook_url=secret))


def test_collectors_without_a_value_fit_the_schema(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(bitrix24(collectors={"bookings": None, "links": {}}))
    validator.validate(bitrix24(collectors=None))


@pytest.mark.parametrize("name", IN_THE_SCHEMA)
def test_the_schema_refuses_what_an_editor_can_see(validator: jsonschema.Draft202012Validator, name: str) -> None:
    config = yaml.safe_load((BAD / f"{name}.yml").read_text())
    assert not validator.is_valid(json.loads(json.dumps(config, default=str)))


@pytest.mark.parametrize(
    "text", ["30s", "5m", "1h30m", "500ms", "0.5s", "2w3d", "1m500ms", "", "5", "m", "5 m", "-5m", "5M", "1s1m"]
)
def test_the_pattern_of_durations_says_what_the_loader_reads(text: str) -> None:
    try:
        parse_duration(text)
        is_duration = True
    except ValueError:
        is_duration = False
    assert is_duration == bool(len(text) >= 2 and re.search(PATTERN, text))


@pytest.mark.parametrize("file", [Config, Settings], ids=["exporter", "monitoring"])
def test_editors_show_words_for_every_mapping_and_no_name_of_a_class(file: type[BaseModel]) -> None:
    definitions = json.loads(json_schema(file))["$defs"]
    titles = {name: definition["title"] for name, definition in definitions.items()}
    assert 10 < len(titles)
    for name, title in titles.items():
        assert title != name
        assert 2 <= len(title.split()), title
        assert len(title) <= 80, title
        assert title[0].isupper(), title
        assert not title.endswith((".", ",")), title
        assert not set(re.findall(r"\w*[a-z][A-Z]\w*", title)) - {"PagerDuty"}, title
