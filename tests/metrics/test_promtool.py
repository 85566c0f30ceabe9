"""Prometheus' own linter over the page."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.harness import views
from tests.harness.exposition import page_of


@pytest.mark.servers
@pytest.mark.skipif(
    shutil.which("promtool") is None and not os.environ.get("CI"), reason="promtool is missing: apt-get install prometheus"
)
@pytest.mark.parametrize("scene", views.SCENES)
def test_promtool_finds_nothing_to_say_about_the_page(scene: str) -> None:
    command = ["promtool", "check", "metrics"]
    result = subprocess.run(command, input=page_of(views.SCENES[scene]()), capture_output=True, check=False, timeout=60)
    assert (0, b"", b"") == (result.returncode, result.stdout, result.stderr)
