"""The monitoring bundle: rules, alerts, routes, dashboards and manifests, built from data.

It lives in the package, not beside the dashboards, so that ``monitoring render`` works from the installed wheel. It leans on
the names of the metrics, on what the state means and on the platforms' advice; of what runs only the runbooks are
served, made when somebody asks for one.
"""

from exporter.monitoring.options import Options
from exporter.monitoring.password import make_password
from exporter.monitoring.render import files, render
from exporter.monitoring.runbooks import runbook_texts
from exporter.monitoring.settings import Settings, load_settings
from exporter.monitoring.writing import folder_of

__all__ = ["Options", "Settings", "files", "folder_of", "load_settings", "make_password", "render", "runbook_texts"]
