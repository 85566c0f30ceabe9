"""The runbooks that an exporter serves follow ``verdicts:``, also after a reload, and are made no oftener than that."""

from __future__ import annotations

from dataclasses import replace

from exporter.commands.served_runbooks import ServedRunbooks
from exporter.monitoring import Options, runbook_texts
from exporter.state.thresholds import DEFAULTS
from exporter.state.verdict_row import Kind

STUCK = "bookingsyncconnectionstuck.md"


def test_they_say_the_thresholds_in_force_and_are_made_again_only_when_those_change() -> None:
    in_force = [DEFAULTS]
    served = ServedRunbooks(lambda: in_force[-1])
    first = served()
    assert runbook_texts(Options()) == first
    in_force.append(replace(DEFAULTS))
    assert first is served()
    in_force.append(replace(DEFAULTS, connection_stuck_after=1_200, severities={Kind.CONNECTION_STUCK: "critical"}))
    assert "| warning | 1h | calendar owner |" in first[STUCK]
    assert "| critical | 20m | calendar owner |" in served()[STUCK]
    assert served() is served()


def test_what_is_no_problem_to_a_user_has_its_runbook_all_the_same_since_the_board_links_it() -> None:
    quiet = replace(DEFAULTS, severities={Kind.CONNECTION_STUCK: "ok"})
    assert STUCK not in runbook_texts(Options(thresholds=quiet))
    assert STUCK in ServedRunbooks(lambda: quiet)()
