"""Time as this process has it: the clock that is passed in, deadlines that blame nobody, how late the loop is.

It leans on nothing of ours.
"""

from exporter.clock.system import Clock, SystemClock

__all__ = ["Clock", "SystemClock"]
