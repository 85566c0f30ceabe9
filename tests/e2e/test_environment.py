"""What the real commands make of an environment that was inherited: it works, or one line says which variable is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.support.environment import VARIABLES
from tests.harness.business import Business
from tests.harness.certificates import signed
from tests.harness.connect_proxy import tls_in_front
from tests.harness.process import command, exporter

COMMANDS = {
    "daemon": (("--web.listen-address=127.0.0.1:0",), 2),
    "check-config": (("check-config",), 2),
    "check-config --online": (("check-config", "--online"), 2),
    "probe": (("probe",), 3),  # to monitoring systems 2 means critical
}
# Values with which the start ends; {folder} is a folder.
WRONG = {
    "HTTPS_PROXY": ("http://[fd00::1:3128", '"http://anna:planted@proxy.example"'),
    "ALL_PROXY": ("socks://anna:planted@127.0.0.1:7890/",),
    "SSL_CERT_FILE": ("/opt/conda/ssl/cacert.pem", "{folder}", "[fd00::1]"),
    "SSL_CERT_DIR": ("/nowhere", "{folder}/exporter.yml"),
}
CALM = {"bookings": {"interval": "1h"}}
HARMLESS = ("nonsense \u00b2", "/nowhere/at/all", "{folder}", "[fd00::1]:8443", "")


def calm(business: Business) -> Path:
    """Return a configuration without warnings."""
    return business.config(business.wix_target(collectors=CALM), business.bitrix24_target(collectors=CALM, budget={}))


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
async def test_a_variable_that_cannot_be_used_ends_every_command_with_one_line_that_names_it(
    business: Business, tmp_path: Path, name: str, value: str
) -> None:
    config = calm(business)
    environ = {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "", name: value.format(folder=tmp_path)}
    for which, (words, expected) in COMMANDS.items():
        code, out, err = await command(*words, f"--config.file={config}", environ=environ)
        assert expected == code, (which, out, err)
        assert "" == (err if words[0] == "probe" else out), "a monitoring system reads standard output"
        (line,) = (out + err).splitlines()[-1:]
        assert f"{name}: " in line
        assert f"unset {name})" in line or f"unset {name} to" in line or "quotes" in line
        assert "planted" not in out + err
    assert [] == list(business.simulator.log), "nothing was asked"


@pytest.mark.parametrize("value", HARMLESS)
async def test_all_other_variables_may_hold_anything(business: Business, tmp_path: Path, value: str) -> None:
    # TERM decides about colours only; each of the others has the value at the same time.
    environ = {name: value.format(folder=tmp_path) for name in (*VARIABLES, "no_proxy", "http_proxy") if name not in WRONG}
    del environ["B24_CLIENT_SECRET"]

    config = calm(business)
    for words in (("check-config",), ("check-config", "--online"), ("probe",)):
        code, out, err = await command(*words, f"--config.file={config}", environ=environ)
        assert 0 == code, (words, out, err)
        assert "Traceback" not in out + err
    async with exporter(config, environ=environ) as running:
        await running.ready()
        samples = await running.samples()
        assert 1 == samples['collector_up{collector="bookings",platform="wix",target="salon-wix"}']
        code, out, err = await command(
            "healthcheck", f"--web.listen-address={running.url.removeprefix('http://')}", environ=environ
        )
        assert (0, "healthy\n", "") == (code, out, err)
        running.process.terminate()
        assert 0 == await running.ended(10)
        assert "Traceback" not in running.raw
    assert {"exporter.yml"} == {path.name for path in tmp_path.iterdir()}, "no library left a file"


async def test_a_socks_proxy_beside_an_http_proxy_does_not_matter(business: Business) -> None:
    environ = {"HTTPS_PROXY": "http://127.0.0.1:7890", "ALL_PROXY": "socks5://127.0.0.1:7890"}
    code, out, err = await command("check-config", "--online", f"--config.file={calm(business)}", environ=environ)
    assert (0, "") == (code, err), out


async def test_everything_that_is_wrong_is_told_at_once_the_environment_first(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    path.write_text("targets: []\n")
    environ = {"SSL_CERT_FILE": "/nowhere", "HTTPS_PROXY": "socks5://x"}
    code, _, err = await command("check-config", f"--config.file={path}", environ=environ)
    assert 2 == code
    assert [True, True, True] == [
        name in line for name, line in zip(("SSL_CERT_FILE", "HTTPS_PROXY", "targets"), err.splitlines(), strict=True)
    ]


async def test_the_login_tells_of_a_wrong_variable_before_the_operator_has_done_anything(tmp_path: Path) -> None:
    words = ("--portal=https://x.bitrix24.example", "--client-id=local.1", f"--token-file={tmp_path / 'token.json'}")
    environ = {"SSL_CERT_FILE": "/nowhere", "B24_CLIENT_SECRET": "planted"}
    code, out, err = await command("bitrix24-login", *words, environ=environ)
    assert (2, "") == (code, out)
    assert err.startswith("error: SSL_CERT_FILE: /nowhere does not exist (fix: ")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("encoding", ["iso-8859-1"])
@pytest.mark.parametrize("output", ["table", "json", "metrics"])
async def test_names_that_the_terminal_has_no_letters_for_are_printed_all_the_same(
    business: Business, encoding: str, output: str
) -> None:
    config = business.config(business.wix_target("Салон Берлин 予約", collectors=CALM))
    code, out, err = await command(
        "probe", f"--output={output}", f"--config.file={config}", environ={"PYTHONIOENCODING": encoding}, encoding=encoding
    )
    assert (0, "") == (code, err.strip()), out
    assert ("OK: 1 target (1 healthy)" if output == "table" else "bookings") in out


async def test_the_real_process_trusts_a_private_ca_that_the_environment_names(business: Business, tmp_path: Path) -> None:
    authority, certificate, key = signed(tmp_path)

    async with tls_in_front(business.url, certificate, key) as url:
        wix = business.wix_target(base_url=url, collectors=CALM)
        config = business.config(wix, business.bitrix24_target(base_url=url, collectors=CALM, budget={}))
        words = ("check-config", "--online", f"--config.file={config}")
        code, out, err = await command(*words)
        assert (2, 2) == (code, err.count(": tls: TLS with localhost failed: ")), out
        code, out, err = await command(*words, environ={"SSL_CERT_FILE": str(authority)})
        assert (0, "") == (code, err), out
