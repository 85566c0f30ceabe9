"""What tests of several files about pairs begin with."""

from __future__ import annotations

import pytest

from exporter.proof import ProofState
from tests.harness.pairs import Scene


@pytest.fixture
def scene() -> Scene:
    """Return a pair that is proved."""
    scene = Scene()
    scene.prove()
    assert scene.state() is ProofState.PROVED
    return scene
