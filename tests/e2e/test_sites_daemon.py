"""Sites and their users in the real process: password file, configuration and signals as an operator has them."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import bcrypt
import httpx

from tests.harness.business import Business
from tests.harness.process import exporter, until
from tests.harness.web_server import web_file

WEB = "basic_auth_users:\n" + "".join(
    f"  {name}: {bcrypt.hashpw(b'right', bcrypt.gensalt(4)).decode()}\n" for name in ("anna", "prometheus")
)

UNKNOWN = (
    "'Prometheus' is no user of the web configuration (fix: add it to basic_auth_users, or correct the name: a user that is "
    "named nowhere here sees every site)"
)


def configuration(business: Business, site: str, *, operators: tuple[str, ...] = (), **site_users: list[str]) -> Path:
    more: dict[str, Any] = {"operators": list(operators)} if operators else {}
    return business.config(
        business.wix_target("one", labels={"site": "a"}),
        business.wix_target("two", labels={"site": site}),
        site_users=site_users,
        **more,
    )


async def test_users_of_sites_without_passwords_end_the_start_before_a_platform_is_asked(business: Business) -> None:
    async with exporter(configuration(business, "b", a=["anna"]), wait=False) as running:
        assert 2 == await running.ended()
        assert "site_users: no password is required, so everybody would see every site" in running.raw
        assert [] == list(business.simulator.log)


async def test_nor_does_a_reload_bring_them(business: Business) -> None:
    async with exporter(configuration(business, "b")) as running:
        await running.ready()
        configuration(business, "b", a=["anna"])
        running.send(signal.SIGHUP)
        (problem,) = (await running.logged("config_reload_failed"))["problems"]
        assert "everybody would see every site" in problem
        assert 200 == (await running.get("/site/a/metrics")).status_code


async def test_a_reload_changes_what_a_customer_who_is_signed_in_sees_from_the_next_scrape_on(
    business: Business, tmp_path: Path
) -> None:
    config, web = configuration(business, "b", a=["anna"]), web_file(tmp_path, WEB)
    async with exporter(config, f"--web.config.file={web}") as running:
        running.http.auth = httpx.BasicAuth("anna", "right")
        await running.ready()
        assert ["prometheus"] == (await running.logged("site_users"))["see_every_site"]
        page = (await running.get("/site/a/metrics")).text
        assert (True, False, False) == ('target="one"' in page, 'target="two"' in page, "process_cpu" in page)
        refused = [(await running.get(path)).status_code for path in ("/", "/metrics", "/config", "/site/b", "/site/b/metrics")]
        assert [404] * 5 == refused
        assert "anna" == (await running.logged("page_refused"))["by"]

        configuration(business, "a", a=["anna", "Prometheus"])
        running.send(signal.SIGHUP)
        await running.logged("config_warning", problem=f"{config}: site_users.a: {UNKNOWN}")
        page = (await running.get("/site/a/metrics")).text
        assert (True, True) == ('target="one"' in page, 'target="two"' in page)

        configuration(business, "b", b=["anna"])
        running.send(signal.SIGHUP)

        async def moved() -> bool:
            return (await running.get("/site/a/metrics")).status_code == 404

        await until(moved, "the new users of the sites")
        page = (await running.get("/site/b/metrics")).text
        assert (False, True) == ('target="one"' in page, 'target="two"' in page)


async def test_a_password_that_is_added_while_running_makes_no_operator_before_a_reload_that_warns_of_it(
    business: Business, tmp_path: Path
) -> None:
    more = WEB + WEB.splitlines(keepends=True)[2].replace("prometheus", "carla")

    config, web = configuration(business, "b", a=["anna"]), web_file(tmp_path, WEB)
    async with exporter(config, f"--web.config.file={web}") as running:
        running.http.auth = httpx.BasicAuth("carla", "right")

        async def is_known() -> bool:
            return (await running.get("/metrics")).status_code != 401

        web_file(tmp_path, more)
        await until(is_known, "the new password")
        assert [403, 403, 403] == [(await running.get(path)).status_code for path in ("/metrics", "/", "/site/a")]
        running.http.auth = httpx.BasicAuth("prometheus", "right")
        assert 200 == (await running.get("/metrics")).status_code
        running.send(signal.SIGHUP)
        await running.logged("site_users", see_every_site=["carla", "prometheus"])
        running.http.auth = httpx.BasicAuth("carla", "right")
        assert 200 == (await running.get("/metrics")).status_code


async def test_who_is_taken_out_of_the_configuration_alone_becomes_no_operator_by_a_reload(
    business: Business, tmp_path: Path
) -> None:
    without_anna = WEB.splitlines(keepends=True)[0] + WEB.splitlines(keepends=True)[2]

    config, web = configuration(business, "b", a=["anna"], b=["bert"]), web_file(tmp_path, WEB)
    async with exporter(config, f"--web.config.file={web}", "--web.enable-lifecycle") as running:
        running.http.auth = httpx.BasicAuth("prometheus", "right")
        await running.ready()
        configuration(business, "b", b=["bert"])
        refused = await running.http.post(f"{running.url}/-/reload")
        assert 500 == refused.status_code
        assert "site_users: users who saw one site would see all sites: anna" in refused.text
        running.http.auth = httpx.BasicAuth("anna", "right")
        assert [404, 200] == [(await running.get(path)).status_code for path in ("/metrics", "/site/a/metrics")]

        configuration(business, "b", operators=("prometheus",), b=["bert"])
        running.http.auth = httpx.BasicAuth("prometheus", "right")
        assert 200 == (await running.http.post(f"{running.url}/-/reload")).status_code
        running.http.auth = httpx.BasicAuth("anna", "right")
        assert [403, 403, 200] == [
            (await running.get(path)).status_code for path in ("/metrics", "/site/a/metrics", "/-/healthy")
        ]

        configuration(business, "b", b=["bert"])
        running.http.auth = httpx.BasicAuth("prometheus", "right")
        refused = await running.http.post(f"{running.url}/-/reload")
        assert (500, True) == (refused.status_code, "operators: cannot be removed while the exporter runs" in refused.text)

        web_file(tmp_path, without_anna)
        running.http.auth = httpx.BasicAuth("anna", "right")
        assert 401 == (await running.get("/metrics")).status_code


async def test_operators_by_default_are_told_on_the_board_and_in_the_numbers_until_they_are_named(
    business: Business, tmp_path: Path
) -> None:
    told = "1 user of the web configuration sees every site, since no operators are named: prometheus"

    config, web = configuration(business, "b", a=["anna"]), web_file(tmp_path, WEB)
    async with exporter(config, f"--web.config.file={web}") as running:
        running.http.auth = httpx.BasicAuth("prometheus", "right")
        await running.ready()
        found = [row["message"] for row in (await running.get("/api/v1/status")).json()["config_warnings"]]
        assert told in found
        assert 'config_warnings{kind="operators_by_default"} 1.0' in (await running.get("/metrics")).text
        board = (await running.get("/?lang=en")).text
        assert (True, True) == ("Some users see every site" in board, told in board)

        configuration(business, "b", operators=("prometheus",), a=["anna"])
        running.send(signal.SIGHUP)

        async def gone() -> bool:
            return 'config_warnings{kind="operators_by_default"} 0.0' in (await running.get("/metrics")).text

        await until(gone, "the warning to go")
