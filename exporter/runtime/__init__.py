"""The composition root: everything below put together, started, reloaded and stopped.

It leans on all of that, but neither on the simulator nor on the monitoring bundle.
"""

from exporter.runtime.application import Application
from exporter.runtime.discovery import ask, discover
from exporter.runtime.known_sites import KnownSites
from exporter.runtime.shutdown import Signals, StopRequestedError
from exporter.runtime.standby import take_over_when_free
from exporter.runtime.targets import TargetFactory, account_hash
from exporter.runtime.thread_watch import ThreadWatch
from exporter.runtime.warning_log import log_warnings

__all__ = [
    "Application",
    "KnownSites",
    "Signals",
    "StopRequestedError",
    "TargetFactory",
    "ThreadWatch",
    "account_hash",
    "ask",
    "discover",
    "log_warnings",
    "take_over_when_free",
]
