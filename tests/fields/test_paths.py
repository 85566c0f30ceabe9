"""Paths of files that the exporter writes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import load_config
from exporter.errors import ConfigError

STRANGE: dict[str, Callable[[Path], object]] = {
    "folder": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to(os.devnull),
}


def configured(tmp_path: Path, **names: str) -> Path:
    oauth = {"client_id": "local.1", "client_secret": "planted-client-secret", "token_file": names["token_file"]}
    target: dict[str, Any] = {"name": "a", "platform": "bitrix24", "oauth": oauth}
    path = tmp_path / "exporter.yml"
    path.write_text(yaml.safe_dump({"targets": [target], "state_file": names["state_file"]}))
    return path


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_what_is_there_and_no_file_is_neither_waited_for_nor_replaced_but_named(
    make: Callable[[Path], object], tmp_path: Path
) -> None:
    strange = tmp_path / "strange"
    make(strange)
    with pytest.raises(ConfigError) as refused:
        load_config(configured(tmp_path, token_file="strange", state_file=str(strange)))
    told = {problem.path.rpartition("]")[2].lstrip("."): problem.message for problem in refused.value.problems}
    assert {"oauth.token_file": f"{strange} is not a file", "state_file": f"{strange} is not a file"} == told


def test_what_is_not_there_yet_may_be_named(tmp_path: Path) -> None:
    assert tmp_path / "new.json" == load_config(configured(tmp_path, token_file="none.json", state_file="new.json")).state_file
