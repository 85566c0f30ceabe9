"""How it becomes known: one poll, when the next one comes, and who may begin on a busy machine.

It leans on the state that it fills and on the interface of the platforms.
"""

from exporter.polling.admission import Admission
from exporter.polling.poll import AT_ONCE, Job, phase_of, poll_all
from exporter.polling.sanitizing import sanitized_error, sanitized_inventory
from exporter.polling.scheduler import CANCEL_SECONDS, Scheduler

__all__ = [
    "AT_ONCE",
    "CANCEL_SECONDS",
    "Admission",
    "Job",
    "Scheduler",
    "phase_of",
    "poll_all",
    "sanitized_error",
    "sanitized_inventory",
]
