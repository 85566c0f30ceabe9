"""Imports that the garbage collector does not disturb."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.support.imports import without_garbage_collection


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = "imported_by_a_test"
    (tmp_path / f"{name}.py").write_text("import gc\nLOOKED = gc.isenabled()\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)
    gc.unfreeze()


def test_no_garbage_is_looked_for_while_a_module_is_imported_and_never_in_it(module: str) -> None:
    before = gc.get_freeze_count()
    with without_garbage_collection():
        imported = __import__(module)
    assert not imported.LOOKED
    assert gc.isenabled()
    assert gc.get_freeze_count() > before


def test_what_was_imported_before_leaves_the_collector_as_it_was() -> None:
    before = gc.get_freeze_count()
    with without_garbage_collection():
        __import__("json")
    assert gc.isenabled()
    assert before == gc.get_freeze_count()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with without_garbage_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
