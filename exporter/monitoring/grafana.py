"""The files that Grafana reads at its start: data source and dashboards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.monitoring import password
from exporter.monitoring.options import Options
from exporter.monitoring.yamltext import HEADER, dump


def datasource(options: Options) -> str:
    """Return the provisioning of the data sources; ``timeInterval`` is the scrape interval, which rates depend on."""
    return HEADER + _provisioning(
        {
            "apiVersion": 1,
            "datasources": [
                {
                    **_source(options, "Prometheus", options.prometheus_url),
                    "isDefault": True,
                    "jsonData": {"httpMethod": "POST", "timeInterval": options.scrape_interval},
                },
                # Silences are made and alerts looked at in Grafana: browsers do not get at Alertmanager itself.
                {
                    **_source(options, "Alertmanager", options.alertmanager_url),
                    "jsonData": {"implementation": "prometheus", "handleGrafanaManagedAlerts": False},
                },
            ],
        }
    )


_EXPANDED: Final = "secureJsonData"


def _provisioning(document: Mapping[str, object]) -> str:
    """Return a document in which Grafana expands no variable but those of :data:`_EXPANDED`: to it, two dollars are one."""
    return dump(_literal(document))


def _literal(value: object) -> object:
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: inside if key == _EXPANDED else _literal(inside) for key, inside in value.items()}
    return [_literal(one) for one in value] if isinstance(value, list) else value


def _source(options: Options, name: str, url: str) -> dict[str, object]:
    login = {
        "basicAuth": True,
        "basicAuthUser": password.USER,
        _EXPANDED: {"basicAuthPassword": f"$__file{{{options.password_file}}}"},
    }
    return {
        "name": name,
        "uid": name.lower(),
        "type": name.lower(),
        "access": "proxy",
        "url": url,
        **(login if options.password_file else {}),
        "editable": False,
    }


def dashboard_provider(options: Options) -> str:
    """Return the provisioning of the dashboards: files own them, so that an update replaces them."""
    return HEADER + _provisioning(
        {
            "apiVersion": 1,
            "providers": [
                {
                    "name": options.uid_prefix,
                    "folder": options.folder,
                    "folderUid": options.uid_prefix,
                    "type": "file",
                    "allowUiUpdates": False,
                    "disableDeletion": True,
                    "updateIntervalSeconds": 30,
                    "options": {"path": "/var/lib/grafana/dashboards"},
                }
            ],
        }
    )


def nothing(kind: str) -> str:
    """Return the provisioning of no ``kind``: Grafana logs an error for a folder that it does not find."""
    return (
        HEADER
        + "# Grafana looks for this folder at its start. There is nothing to provision.\n"
        + dump({"apiVersion": 1, kind: []})
    )
