"""A view that was judged, before anything of it is put into documents: the status board shows few of thousands of targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.state import findings
from exporter.state.snapshot import TargetView, View
from exporter.web.status_api import head_of, pages_of, problem_document, states_of, summary_of, target_document
from exporter.web.status_types import Problem, Status, Target, TargetState


@dataclass(frozen=True, slots=True)
class Overview:
    """What is wrong with a view, the worst first, and the state of each target by its name.

    ``head`` is the document of the whole without its lists. Single documents are made on demand, since making all takes longer
    than everything else.
    """

    head: Status
    targets: Mapping[str, TargetView]
    problems: Sequence[findings.Problem]
    states: Mapping[str, TargetState]
    at: float

    def problem(self, found: findings.Problem) -> Problem:
        """Return the document of one problem."""
        return problem_document(found, findings.resource_names(self.targets[found.target]))

    def target(self, name: str) -> Target:
        """Return the document of one target."""
        return target_document(self.targets[name], self.at, self.states[name])


def overview_of(view: View) -> Overview:
    """Judge ``view``. Takes a hundredth of a second for a thousand targets."""
    found = findings.problems(view)
    states = states_of(view, found)
    head = head_of(view, summary_of(states, found), None, pages_of(len(view.targets)))
    return Overview(head, {target.name: target for target in view.targets}, found, states, view.at)
