"""The HTTP side: ``/metrics``, the status page, health, reload, TLS and passwords.

It leans on state and metrics; what it may ask of the exporter is its ``Backend``, so it knows neither configuration nor
polling.
"""

from exporter.web.advice import listener_warning, web_warnings
from exporter.web.app import create_app
from exporter.web.backend import Backend, Dashboards, Reloaded
from exporter.web.config import WebConfig
from exporter.web.csrf import allowed_hosts
from exporter.web.server import Server, serve
from exporter.web.status_api import encode_status, status_of
from exporter.web.status_types import Status

__all__ = [
    "Backend",
    "Dashboards",
    "Reloaded",
    "Server",
    "Status",
    "WebConfig",
    "allowed_hosts",
    "create_app",
    "encode_status",
    "listener_warning",
    "serve",
    "status_of",
    "web_warnings",
]
