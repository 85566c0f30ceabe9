"""A key of one kind of verdict that stands at another: which kinds take it is named, not the place where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from pydantic import BaseModel

from exporter.config import load_config
from exporter.config.verdicts import Verdicts
from exporter.errors import ConfigError
from exporter.platforms.settings import models_in

WIX: Final = "{name: a, platform: wix, site_id: 7f1c2a34-0000-4000-8000-000000000001, api_key: {env: KEY}}"


def keys_of(kind: str) -> set[str]:
    [model] = models_in(Verdicts.model_fields[kind].annotation)
    assert issubclass(model, BaseModel)
    return set(model.model_fields)


KEYS: Final = sorted(set[str]().union(*map(keys_of, Verdicts.model_fields)) - {"severity"})


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_a_kind_lacks_is_told_with_the_kinds_that_have_it(key: str, tmp_path: Path) -> None:
    takers = [kind for kind in Verdicts.model_fields if key in keys_of(kind)]
    others = [kind for kind in Verdicts.model_fields if key not in keys_of(kind)]
    rows = "".join(f"  {kind}: {{{key}: 1}}\n" for kind in others)
    path = tmp_path / "exporter.yml"
    path.write_text(f"verdicts:\n{rows}targets: [{WIX}]\n")
    path.chmod(0o600)
    with pytest.raises(ConfigError) as refused:
        load_config(path, {"KEY": "k" * 40})
    fixes = {problem.path: problem.fix for problem in refused.value.problems}
    assert {f"verdicts.{kind}.{key}" for kind in others} == set(fixes)
    assert [] == [fix for fix in fixes.values() if "<name>" in fix or not all(taker in fix for taker in takers)]
