"""What reading a file leaves behind: full garbage collections are postponed until everything has been polled."""

from __future__ import annotations

import gc

import pytest
import yaml

from exporter.support.yaml_source import read_yaml

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("with_libyaml", [True, False])
@pytest.mark.parametrize("text", ["targets:\n  - {name: a, platform: wix}\n", "a: &all [1, 2]\nb: *all\n", "a: 1\na: 2\n"])
def test_no_node_of_a_file_outlives_its_reading(monkeypatch: pytest.MonkeyPatch, text: str, *, with_libyaml: bool) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", with_libyaml and yaml.__with_libyaml__)
    gc.collect()
    gc.disable()
    try:
        source = read_yaml(text)
        nodes = (yaml.Node, yaml.Mark, yaml.SafeLoader)
        left = [type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, nodes)]
    finally:
        gc.enable()
    assert isinstance(source.value, dict)
    assert [] == left
