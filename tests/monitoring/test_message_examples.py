"""The examples in the documents are what Alertmanager makes of the shipped alerts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.monitoring.bundle import ROOT
from tools.message_examples import render


@pytest.mark.servers
def test_the_examples_in_the_documents_are_the_messages_that_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    committed = (ROOT / "docs" / "messages.md").read_text()
    assert render(tmp_path) == committed, "run python -m tools.message_examples docs/messages.md"
