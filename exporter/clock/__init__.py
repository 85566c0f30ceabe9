"""Time as this process has it: the clock that is passed in, deadlines that blame nobody, how late the loop is.

It leans on nothing of ours.
"""

from exporter.clock.deadlines import detached, held_up, paused, wall_deadline
from exporter.clock.loop_lag import TICK_SECONDS, LoopLag
from exporter.clock.system import Clock, SystemClock, new_event_loop

__all__ = [
    "TICK_SECONDS",
    "Clock",
    "LoopLag",
    "SystemClock",
    "detached",
    "held_up",
    "new_event_loop",
    "paused",
    "wall_deadline",
]
