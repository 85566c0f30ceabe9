"""The monitoring bundle: rules, alerts, routes, dashboards and manifests, built from data.

It lives in the package, not beside the dashboards, so that ``monitoring render`` works from the installed wheel. It leans on
the names of the metrics, on what the state means and on the platforms' advice; nothing that runs leans on it.
"""

from exporter.monitoring.options import Options
from exporter.monitoring.password import make_password
from exporter.monitoring.render import files, render

__all__ = ["Options", "files", "make_password", "render"]
