"""The HTTP side: ``/metrics``, the status board, health, reload, TLS and passwords."""

from exporter.web.app import create_app
from exporter.web.backend import Backend
from exporter.web.config import WebConfig
from exporter.web.server import Server, serve

__all__ = ["Backend", "Server", "WebConfig", "create_app", "serve"]
