"""What several files look at: the bundle, rendered once, and the boards in every incident."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

from tests.monitoring.grafana import grafana
from tests.monitoring.rendered_files import files
from tests.monitoring.sights import Sights, answers


@pytest.fixture(scope="session", autouse=True)
def _rendered_once() -> Iterator[None]:
    """Let ``render`` and the commands have the same texts for the same options, too."""
    with pytest.MonkeyPatch.context() as patched:
        # By its whole name: in the door of the room, `render` is the function.
        patched.setattr(import_module("exporter.monitoring.render"), "files", files)
        yield


@pytest.fixture(scope="session")
def sights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sights]:
    """Every panel in every incident; whichever process of a run needs them first asks for all."""
    folder = tmp_path_factory.getbasetemp()
    if folder.name.startswith("popen-"):  # a worker of xdist
        folder = folder.parent
    with grafana() as ask:
        now, found = answers(folder)
        yield Sights(now, found, ask)
