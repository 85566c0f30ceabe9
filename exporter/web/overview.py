"""A view that was judged, before anything of it is put into documents: the status board shows few of thousands of targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from exporter.state.findings import Finding, findings
from exporter.state.snapshot import TargetView, View
from exporter.state.verdict_row import Verdict
from exporter.web.judged import states_of
from exporter.web.status_api import head_of
from exporter.web.status_documents import listed_document, problem_document, target_document
from exporter.web.status_types import Listed, Problem, Status, Target, TargetState


class Overview(msgspec.Struct, frozen=True):
    """What is wrong with a view, the worst first, what is listed and not judged, and the state of each target by its name.

    ``head`` is the document of the whole without its lists. Single documents are made on demand, since making all takes longer
    than everything else.
    """

    head: Status
    targets: Mapping[str, TargetView]
    problems: Sequence[Finding]
    listed: Sequence[Finding]
    states: Mapping[str, TargetState]
    at: float

    def problem(self, found: Finding) -> Problem:
        """Return the document of one problem."""
        return problem_document(found, self.targets.get(found.target))

    def listing(self, found: Finding) -> Listed:
        """Return the document of one thing that is listed and not judged."""
        return listed_document(found, self.targets.get(found.target))

    def target(self, name: str) -> Target:
        """Return the document of one target."""
        return target_document(self.targets[name], self.at, self.states[name])


def overview_of(view: View) -> Overview:
    """Judge ``view``. Takes a hundredth of a second for a thousand targets."""
    found = findings(view)
    states = states_of(view, found)
    problems = tuple(finding for finding in found if finding.is_problem)
    listed = tuple(finding for finding in found if finding.verdict is Verdict.OK)
    head = head_of(view, found, states)
    return Overview(head, {target.name: target for target in view.targets}, problems, listed, states, view.at)
