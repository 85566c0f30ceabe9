"""A real Prometheus and Alertmanager on the bundle as `monitoring render --hurry N` writes it; only addresses are ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from exporter.monitoring import Options, render
from tests.monitoring.servers import alertmanager, prometheus

RECEIVES_THE_PAST = ("--web.enable-remote-write-receiver",)


@dataclass(frozen=True)
class HurriedStack:
    prometheus: httpx.Client
    alertmanager: httpx.Client

    def arrived(self) -> dict[tuple[str, str], set[str]]:
        """Return the receivers of what Alertmanager tells, by alert and target, the heartbeat left out."""
        alerts = self.alertmanager.get("/api/v2/alerts", params={"active": "true", "inhibited": "false"}).json()
        return {
            (alert["labels"]["alertname"], alert["labels"].get("target", "")): {one["name"] for one in alert["receivers"]}
            for alert in alerts
            if alert["labels"]["alertname"] != "Watchdog"
        }


@contextmanager
def hurried_stack(directory: Path, exporter: str, hurry: int, *arguments: str, pager: str = "") -> Iterator[HurriedStack]:
    """Run both on what is rendered; ``exporter`` is the address that is scraped, ``pager`` one that pages are sent to."""
    render(Options(hurry=hurry), directory)
    routes = directory / "config/alertmanager/alertmanager.demo.yml"
    if pager:
        reaching = yaml.safe_load(routes.read_text())
        next(one for one in reaching["receivers"] if one["name"] == "pager")["webhook_configs"] = [{"url": pager}]
        routes.write_text(yaml.safe_dump(reaching))
    with alertmanager(directory, routes) as manager:
        folder = directory / "config" / "prometheus"
        config = yaml.safe_load((folder / "prometheus.yml").read_text())
        for one in (*config["alerting"]["alertmanagers"], *config["scrape_configs"]):
            one.pop("basic_auth", None)
        config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [manager.base_url.netloc.decode()]}]
        config["scrape_configs"] = config["scrape_configs"][:1]
        config["scrape_configs"][0]["static_configs"] = [{"targets": [exporter]}]
        with prometheus(folder, yaml.safe_dump(config), *arguments) as server:
            yield HurriedStack(server, manager)
