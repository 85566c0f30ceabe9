"""Simulated CalDAV servers and ICS feeds (calendar.md section 5).

A calendar is built and steered in Python: ``anna = simulator.calendar.add_owner("anna")``, then ``anna.add_calendar("work")``,
whose entries and feed are its own; ``simulator.calendar.switches`` says how the server answers.
"""

from exporter.simulator.calendar.calendars import Calendar, Owner
from exporter.simulator.calendar.entries import Entry, Rule
from exporter.simulator.calendar.simulator import CalendarSimulator
from exporter.simulator.calendar.switches import RADICALE, XANDIKOS, Switches

__all__ = ["RADICALE", "XANDIKOS", "Calendar", "CalendarSimulator", "Entry", "Owner", "Rule", "Switches"]
