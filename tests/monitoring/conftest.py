"""What several files look at: the boards in every incident."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.monitoring.grafana import grafana
from tests.monitoring.sights import Sights, answers


@pytest.fixture(scope="session")
def sights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sights]:
    """Every panel in every incident; whichever process of a run needs them first asks for all."""
    folder = tmp_path_factory.getbasetemp()
    if folder.name.startswith("popen-"):  # a worker of xdist
        folder = folder.parent
    with grafana() as ask:
        now, found = answers(folder)
        yield Sights(now, found, ask)
