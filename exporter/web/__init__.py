"""The HTTP side: ``/metrics``, the status board, health, reload, TLS and passwords."""

from exporter.web.app import create_app
from exporter.web.backend import Backend

__all__ = ["Backend", "create_app"]
