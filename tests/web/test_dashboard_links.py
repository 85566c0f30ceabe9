"""The status board leads to the bundled dashboards, where the configuration says which Grafana has them."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from exporter.config.grafana import GrafanaAddress
from exporter.monitoring import Options, files
from tests.harness.application import application, driven
from tests.harness.board import site
from tests.harness.business import Business
from tests.harness.clock import ManualClock
from tests.harness.views import view_of
from tests.harness.web import ShownBackend, ask

ADDRESS = "https://grafana.example.org/team"
NAMES = ("salon", 'Frisör "Ö" & Söhne', "a/b?c#d", "50 %", "<b>")


def links(page: str) -> list[str]:
    """Return where the page leads to in Grafana."""
    return [address for address in map(html.unescape, re.findall(r'href="([^"]*)"', page)) if address.startswith(ADDRESS)]


def shown(grafana: GrafanaAddress | None, *names: str) -> ShownBackend:
    backend = ShownBackend(view_of(*(site(name, labels={"site": "berlin"}) for name in names)))
    backend.dashboards = grafana
    return backend


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["booking-sync", "salons"])
def test_the_board_leads_to_the_dashboards_that_are_rendered_for_the_same_names(prefix: str) -> None:
    rendered = {
        name: json.loads(text)["uid"]
        for name, text in files(Options(uid_prefix=prefix)).items()
        if name.startswith("dashboards/") and name.endswith(".json")
    }
    found = links(ask(shown(GrafanaAddress(url=ADDRESS, uid_prefix=prefix), *NAMES), "/").text)
    paths = [urlsplit(address).path.removeprefix("/team/d/") for address in found]
    assert {"fleet": 1, "target": 5} == {uid.removeprefix(f"{prefix}-"): paths.count(uid) for uid in paths}
    assert set(paths) <= set(rendered.values())


def test_each_target_leads_to_its_own_dashboard_whatever_its_name_is() -> None:
    found = links(ask(shown(GrafanaAddress(url=ADDRESS + "/"), *NAMES), "/").text)
    assert sorted(NAMES) == sorted(
        name for address in found for name in parse_qs(urlsplit(address).query).get("var-target", [])
    )
    assert not [address for address in found if "//d/" in address or urlsplit(address).fragment]


def test_the_board_of_one_site_and_one_without_a_grafana_lead_to_none() -> None:
    assert [] == links(ask(shown(GrafanaAddress(url=ADDRESS), "salon"), "/site/berlin").text)
    page = ask(shown(None, "salon"), "/").text
    assert "Grafana" not in page


async def test_a_reload_moves_the_links(business: Business) -> None:
    path = business.config(business.wix_target("one"))
    async with application(path, ManualClock(business.simulator.now())) as app:
        assert not app.app.dashboards
        business.config(business.wix_target("one"), grafana={"url": ADDRESS})
        await driven(app, app.app.reload())
        assert [f"{ADDRESS}/d/booking-sync-fleet"] == [found.fleet for found in (app.app.dashboards,) if found]
