"""The log of changes that were refused: once a minute for each reason, with how many were not told."""

from __future__ import annotations

from structlog.testing import capture_logs

from exporter.support.audit import Refusals


def test_a_refusal_is_told_once_a_minute_for_each_reason_with_how_many_were_not_told_since() -> None:
    now = 0.0
    refusals = Refusals(lambda: now)
    with capture_logs() as logged:
        for now, why in ((0, "host"), (1, "host"), (2, "origin"), (59.9, "host"), (60, "host"), (119.9, "host"), (121, "host")):  # noqa: B007
            refusals.tell(why, "reload", by="anybody")
    assert [("host", None), ("origin", None), ("host", 2), ("host", 1)] == [(row["why"], row["untold"]) for row in logged]
    assert {("change_refused", "reload", "anybody")} == {(row["event"], row["change"], row["by"]) for row in logged}
