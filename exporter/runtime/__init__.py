"""The composition root: everything below put together, started, reloaded and stopped.

It leans on all of that, but neither on the simulator nor on the monitoring bundle.
"""

from exporter.runtime.application import Application
from exporter.runtime.shutdown import Signals, StopRequestedError, UnwaitedThreads
from exporter.runtime.targets import World

__all__ = ["Application", "Signals", "StopRequestedError", "UnwaitedThreads", "World"]
