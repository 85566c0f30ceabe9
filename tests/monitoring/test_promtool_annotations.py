"""The tool that puts the words of alerts into promtool's cases, on what promtool really prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.monitoring.servers import run
from tools.promtool_annotations import rewrite

_RULES = """\
groups:
  - name: g
    rules:
      - alert: Down
        expr: up == 0
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.instance }} is \\"down\\": now", fix: Start it.}
"""
_CASES = """\
rule_files: [rules.yml]
tests:
  # A comment that stays.
  - name: one
    input_series:
      - {series: 'up{instance="ä\\n"}', values: 0x9}
      - {series: 'up{instance="b"}', values: 0x9}
    alert_rule_test:
      - eval_time: 1m
        alertname: Down
        exp_alerts:
          - exp_labels: {severity: critical, instance: "ä\\n"}
            exp_annotations: {summary: old}
          - exp_labels:
              severity: critical
              instance: b
      - {eval_time: 120s, alertname: Other, exp_alerts: []}
"""


@pytest.mark.servers
def test_cases_get_the_words_that_alerts_have_and_keep_all_else(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(_RULES)
    cases = tmp_path / "cases.yml"
    cases.write_text(_CASES)
    assert 0 != run("promtool", "test", "rules", cases).returncode

    assert 0 == rewrite(cases)

    assert 0 == run("promtool", "test", "rules", cases).returncode
    assert _CASES.splitlines()[:12] == cases.read_text().splitlines()[:12]


@pytest.mark.servers
def test_an_alert_with_other_labels_is_still_complained_of(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(_RULES)
    cases = tmp_path / "cases.yml"
    cases.write_text(_CASES.replace("severity: critical, instance", "severity: warning, instance"))

    assert 0 != rewrite(cases)
    assert "severity: warning" in cases.read_text()
