"""Whatever a file holds, loading it ends in settings or in a configuration error, and shows no credential."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.config import Config, config_hash, effective_config, load_config
from exporter.errors import ConfigError

KEY, CODE = "IST.planted-key-0123456789", "planted0123456789"
GOOD: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "windows": [{"name": "today", "from": "now/d", "to": "now+1d/d"}, {"name": "next_7d", "from": "now", "to": "now+7d"}],
    "targets": [
        {
            "name": "a",
            "platform": "wix",
            "site_id": "7f1c2d3e-1111-4222-8333-444455556666",
            "api_key": KEY,
            "schedule_ids": ["x"],
            "aliases": {"x": "chair"},
            "labels": {"site": "berlin"},
            "timeout": "10s",
            "collectors": {
                "connections": {"interval": "60s", "max_age": "5m"},
                "bookings": {"statuses": ["CONFIRMED"], "windows": ["today"], "overlapping_resources": [1]},
            },
        },
        {
            "name": "b",
            "platform": "bitrix24",
            "webhook_url": f"https://portal.example/rest/1/{CODE}/",
            "base_url": "http://127.0.0.1:1",
            "collectors": {"bookings": {"count": "start"}, "links": {"window": "next_7d"}},
            "budget": {"requests_per_second": 1.0},
        },
        {
            "name": "c",
            "platform": "bitrix24",
            "oauth": {"client_id": "local.1", "client_secret": "planted-client-secret", "token_file": "tokens.json"},
        },
    ],
}

words = st.sampled_from(
    (
        "",
        " ",
        "now",
        "60s",
        "wix",
        "bitrix24",
        "UTC",
        "file",
        "env",
        "name",
        "from",
        "http://x",
        "https://u@h",
        "https://[",
        "..",
        "\x00",
    )
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(max_size=20) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=8) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


def places(value: object) -> list[tuple[Any, Any]]:
    """Return every (container, key) in a tree."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, (dict, list)):
        for key, item in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
            found.append((value, key))
            found += places(item)
    return found


def load(text: str) -> None:
    with tempfile.TemporaryDirectory(prefix="config") as folder:
        file = Path(folder) / "exporter.yml"
        file.write_text(text, encoding="utf-8", errors="replace")
        try:
            config: Config | ConfigError = load_config(file, {})
        except ConfigError as error:
            config = error
    if isinstance(config, ConfigError):
        assert config.problems
        assert all(problem.message and problem.fix for problem in config.problems)
    else:
        assert yaml.safe_load(effective_config(config))["targets"]
        assert config_hash(config) not in effective_config(config)
    shown = str(config) + repr(config) + (effective_config(config) if isinstance(config, Config) else "")
    assert "planted" not in shown


@pytest.mark.slow
@settings(deadline=None)  # shared machines stall
@given(st.data())
def test_any_value_in_any_place_is_read_or_refused(data: st.DataObject) -> None:
    config = yaml.safe_load(yaml.safe_dump(GOOD))
    for _ in range(data.draw(st.integers(1, 3))):
        everywhere = places(config)
        container, key = everywhere[data.draw(st.integers(0, len(everywhere) - 1))]
        how = data.draw(st.sampled_from(("replace", "remove", "rename")))
        if how == "replace" or isinstance(container, list):
            container[key] = data.draw(values)
        elif how == "remove":
            del container[key]
        else:
            container[data.draw(words)] = container.pop(key)
        if not places(config):
            break
    load(yaml.safe_dump(config, allow_unicode=True))


@pytest.mark.slow
@settings(deadline=None)
@given(st.text() | st.text(alphabet="- :{}[]&*!|>'\"%@`#\n\tax,?<", max_size=40))
@example("a: &x [*x]")
@example("? [a, b]\n: c\n")
@example("<<: {a: b}\n")
@example("<<: [*a]\n")
@example("a: !!binary aGVsbG8=\n")
@example("a: !!set {x, y}\n")
@example("a: 1e400\n")
@example("a: " + "9" * 5000 + "\n")
@example("=: 1\n")
def test_any_text_is_read_or_refused(text: str) -> None:
    load(text)
