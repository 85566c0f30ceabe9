"""What an incident of a drill is: one thing that goes wrong in the world, and what is to come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exporter.simulator.drills.world import SimulatedWorld

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that goes wrong: ``begin`` changes the world and returns the repair; ``alert`` is the page to expect.

    ``on_board_after`` is after how many seconds the status board shows it, 0 with the next poll; ``by_check`` says that a poll
    alone does not show it, but a check that is due once in ``check_interval``. ``needs_before`` is what it must have seen
    before, if that is more than a poll, and ``compares_weeks`` says that its rule asks Prometheus for the weeks before.
    ``after_grace`` says that it shows once the ``grace`` of a pair is over, which is an hour in ``pages_after``.
    ``pages_after`` is after how many seconds at most somebody is told, with the bundle's rules and routes and usual intervals.
    """

    name: str
    description: str
    changes: str
    alert: str
    begin: Callable[[SimulatedWorld], Undo]
    on_board_after: float
    pages_after: float
    needs_before: str = ""
    by_check: bool = False
    compares_weeks: bool = False
    after_grace: bool = False

    @property
    def on_board(self) -> str:
        """What the status board makes of it, in words."""
        soon = "with the next check" if self.by_check else "with the next poll"
        soon = "with the first poll after the `grace` of the pair" if self.after_grace else soon
        when = f"after {self.on_board_after / 3600:g} h" if self.on_board_after else soon
        return f"the board shows this {when}" + (f", if it saw {self.needs_before}" if self.needs_before else "")

    @property
    def pages(self) -> str:
        """Who hears of it when, in words: in life, and where a minute is a second."""
        life = f"{self.pages_after / 60:.0f} min" if self.pages_after < 3 * 3600 else f"{self.pages_after / 3600:.0f} h"
        return f"{self.alert} after {life}; with --hurry 60 after {self.pages_after / 60:.0f} s"
