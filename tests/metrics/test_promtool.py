"""Prometheus' own linter over the page."""

from __future__ import annotations

import subprocess

import pytest

from tests.harness import views
from tests.harness.exposition import page_of
from tests.monitoring.servers import binary


@pytest.mark.servers
@pytest.mark.parametrize("scene", views.SCENES)
def test_promtool_finds_nothing_to_say_about_the_page(scene: str) -> None:
    command = [binary("promtool"), "check", "metrics"]
    result = subprocess.run(command, input=page_of(views.SCENES[scene]()), capture_output=True, check=False, timeout=60)
    assert (0, b"", b"") == (result.returncode, result.stdout, result.stderr)
