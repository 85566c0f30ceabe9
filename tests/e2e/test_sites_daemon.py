"""Sites and their users in the real process: password file, configuration and signals as an operator has them."""

from __future__ import annotations

import signal
from pathlib import Path

import bcrypt
import httpx

from tests.harness.business import Business, with_business
from tests.harness.process import exporter, until
from tests.harness.web_server import web_file

WEB = "basic_auth_users:\n" + "".join(
    f"  {name}: {bcrypt.hashpw(b'right', bcrypt.gensalt(4)).decode()}\n" for name in ("anna", "prometheus")
)

UNKNOWN = (
    "'Prometheus' is no user of the web configuration (fix: add it to basic_auth_users, or correct the name: a user that is "
    "named nowhere here sees every site)"
)


def configuration(business: Business, site: str, **site_users: list[str]) -> Path:
    return business.config(
        business.wix_target("one", labels={"site": "a"}),
        business.wix_target("two", labels={"site": site}),
        site_users=site_users,
    )


def test_users_of_sites_without_passwords_end_the_start_before_a_platform_is_asked(tmp_path: Path) -> None:
    async def scenario(business: Business) -> None:
        async with exporter(configuration(business, "b", a=["anna"]), wait=False) as running:
            assert 2 == await running.ended()
            assert "site_users: no passwords are asked for, so that everybody would see every site" in running.raw
            assert [] == list(business.simulator.log)

    with_business(tmp_path, scenario)


def test_nor_does_a_reload_bring_them(tmp_path: Path) -> None:
    async def scenario(business: Business) -> None:
        async with exporter(configuration(business, "b")) as running:
            await running.ready()
            configuration(business, "b", a=["anna"])
            running.send(signal.SIGHUP)
            (problem,) = (await running.logged("config_reload_failed"))["problems"]
            assert "everybody would see every site" in problem
            assert 200 == (await running.get("/site/a/metrics")).status_code

    with_business(tmp_path, scenario)


def test_a_reload_changes_what_a_customer_who_is_signed_in_sees_from_the_next_scrape_on(tmp_path: Path) -> None:
    async def scenario(business: Business) -> None:
        config, web = configuration(business, "b", a=["anna"]), web_file(tmp_path, WEB)
        async with exporter(config, f"--web.config.file={web}") as running:
            running.http.auth = httpx.BasicAuth("anna", "right")
            await running.ready()
            assert ["prometheus"] == (await running.logged("site_users"))["see_every_site"]
            page = (await running.get("/site/a/metrics")).text
            assert ('target="one"' in page, 'target="two"' in page, "process_cpu" in page) == (True, False, False)
            refused = [
                (await running.get(path)).status_code for path in ("/", "/metrics", "/config", "/site/b", "/site/b/metrics")
            ]
            assert [404] * 5 == refused
            assert "anna" == (await running.logged("page_refused"))["by"]

            configuration(business, "a", a=["anna", "Prometheus"])
            running.send(signal.SIGHUP)
            await running.logged("config_warning", problem=f"{config}: site_users.a: {UNKNOWN}")
            page = (await running.get("/site/a/metrics")).text
            assert ('target="one"' in page, 'target="two"' in page) == (True, True)

            configuration(business, "b", b=["anna"])
            running.send(signal.SIGHUP)

            async def moved() -> bool:
                return (await running.get("/site/a/metrics")).status_code == 404

            await until(moved, "the new users of the sites")
            page = (await running.get("/site/b/metrics")).text
            assert ('target="one"' in page, 'target="two"' in page) == (False, True)

    with_business(tmp_path, scenario)
