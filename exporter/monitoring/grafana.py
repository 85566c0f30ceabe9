"""The files that Grafana reads at its start: data source and dashboards."""

from __future__ import annotations

from exporter.monitoring.yamltext import HEADER, dump

FOLDER = "Booking sync"
SCRAPE_INTERVAL = "30s"


def datasource() -> str:
    """Return the provisioning of the data source; ``timeInterval`` is the scrape interval, which rates depend on."""
    return HEADER + dump(
        {
            "apiVersion": 1,
            "datasources": [
                {
                    "name": "Prometheus",
                    "uid": "prometheus",
                    "type": "prometheus",
                    "access": "proxy",
                    "url": "http://prometheus:9090",
                    "isDefault": True,
                    "editable": False,
                    "jsonData": {"httpMethod": "POST", "timeInterval": SCRAPE_INTERVAL},
                }
            ],
        }
    )


def dashboard_provider() -> str:
    """Return the provisioning of the dashboards: files own them, so that an update replaces them."""
    return HEADER + dump(
        {
            "apiVersion": 1,
            "providers": [
                {
                    "name": "booking-sync",
                    "folder": FOLDER,
                    "folderUid": "booking-sync",
                    "type": "file",
                    "allowUiUpdates": False,
                    "disableDeletion": True,
                    "updateIntervalSeconds": 30,
                    "options": {"path": "/var/lib/grafana/dashboards"},
                }
            ],
        }
    )
