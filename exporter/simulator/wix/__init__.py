"""Simulated Wix sites (wix.md section 13).

A site is built and steered in Python: ``site = simulator.wix.add_site()``, ``simulator.wix.add_key(site)``, then
``site.connections``, ``site.bookings``, ``site.provider_down(GOOGLE)`` and ``simulator.wix.switches``.
"""

from exporter.simulator.wix.connections import Connection, sync_config
from exporter.simulator.wix.examples import add_documented_connections
from exporter.simulator.wix.providers import APP_PROVIDER, APPLE, GOOGLE, MICROSOFT
from exporter.simulator.wix.simulator import WixSimulator
from exporter.simulator.wix.world import Site

__all__ = [
    "APPLE",
    "APP_PROVIDER",
    "GOOGLE",
    "MICROSOFT",
    "Connection",
    "Site",
    "WixSimulator",
    "add_documented_connections",
    "sync_config",
]
