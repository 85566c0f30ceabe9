"""What the real commands make of an environment that was inherited: it works, or one line says which variable is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.support.environment import VARIABLES
from tests.harness.business import Business
from tests.harness.certificates import signed
from tests.harness.connect_proxy import tls_in_front
from tests.harness.process import command, commands_in_turn, exporter
from tests.harness.typed import typed

COMMANDS = {
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


def is_told(name: str, text: str) -> bool:
    """Return whether the last line names the variable with what to do, and nothing shows a secret."""
    (line,) = text.splitlines()[-1:]
    ways_out = (f"unset {name})", f"unset {name} to", "quotes")
    return f"{name}: " in line and any(way in line for way in ways_out) and "planted" not in text


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
async def test_a_variable_that_cannot_be_used_ends_every_command_with_one_line_that_names_it(
    business: Business, tmp_path: Path, name: str, value: str
) -> None:
    config = calm(business)
    environ = {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "", name: value.format(folder=tmp_path)}
    for which, (words, expected) in COMMANDS.items():
        code, out, err = await typed(*words, f"--config.file={config}", environ=environ)
        assert expected == code, (which, out, err)
        assert "" == (err if words[0] == "probe" else out), "a monitoring system reads standard output"
        assert is_told(name, out + err)
    assert [] == list(business.simulator.log), "nothing was asked"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "SSL_CERT_FILE"])
async def test_the_exporter_ends_at_a_variable_that_cannot_be_used_before_anything_is_asked(
    business: Business, name: str
) -> None:
    environ = {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "", name: WRONG[name][0]}
    code, out, err = await command("--web.listen-address=127.0.0.1:0", f"--config.file={calm(business)}", environ=environ)
    assert (2, "") == (code, out), err
    assert is_told(name, err)
    assert [] == list(business.simulator.log)


def holding(value: str, folder: Path) -> dict[str, str]:
    """Return an environment in which every variable has ``value``, except those with which a start ends."""
    environ = {name: value.format(folder=folder) for name in (*VARIABLES, "no_proxy", "http_proxy") if name not in WRONG}
    del environ["B24_CLIENT_SECRET"]
    return environ


@pytest.mark.parametrize("value", HARMLESS)
async def test_all_other_variables_may_hold_anything(business: Business, tmp_path: Path, value: str) -> None:
    # TERM decides about colours only; each of the others has the value at the same time.
    config = calm(business)
    (tmp_path / "own").mkdir()
    commands = [[*words, f"--config.file={config}"] for words, _ in COMMANDS.values()]
    codes, printed = await commands_in_turn(tmp_path / "own", *commands, environ=holding(value, tmp_path))
    assert [0, 0, 0] == codes, printed
    assert "Traceback" not in printed
    assert {"exporter.yml", "own"} == {path.name for path in tmp_path.iterdir()}, "no library left a file"


@pytest.mark.parametrize("value", HARMLESS[:1])
async def test_the_exporter_runs_whatever_all_other_variables_hold(business: Business, tmp_path: Path, value: str) -> None:
    environ = holding(value, tmp_path)
    async with exporter(calm(business), environ=environ) as running:
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
    code, out, err = await typed("check-config", "--online", f"--config.file={calm(business)}", environ=environ)
    assert (0, "") == (code, err), out


async def test_everything_that_is_wrong_is_told_at_once_the_environment_first(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    path.write_text("targets: []\n")
    environ = {"SSL_CERT_FILE": "/nowhere", "HTTPS_PROXY": "socks5://x"}
    code, _, err = await typed("check-config", f"--config.file={path}", environ=environ)
    assert 2 == code
    assert [True, True, True] == [
        name in line for name, line in zip(("SSL_CERT_FILE", "HTTPS_PROXY", "targets"), err.splitlines(), strict=True)
    ]


async def test_the_login_tells_of_a_wrong_variable_before_the_operator_has_done_anything(tmp_path: Path) -> None:
    words = ("--portal=https://x.bitrix24.example", "--client-id=local.1", f"--token-file={tmp_path / 'token.json'}")
    environ = {"SSL_CERT_FILE": "/nowhere", "B24_CLIENT_SECRET": "planted"}
    code, out, err = await typed("bitrix24-login", *words, environ=environ)
    assert (2, "") == (code, out)
    assert err.startswith("error: SSL_CERT_FILE: /nowhere does not exist (fix: ")
    assert [] == list(tmp_path.iterdir())


async def test_names_that_the_terminal_has_no_letters_for_are_printed_all_the_same(business: Business, tmp_path: Path) -> None:
    config = business.config(business.wix_target("Салон Берлин 予約", collectors=CALM))
    probes = [["probe", f"--output={output}", f"--config.file={config}"] for output in ("table", "json", "metrics")]
    codes, printed = await commands_in_turn(tmp_path, *probes, environ={"PYTHONIOENCODING": "iso-8859-1"})
    assert [0, 0, 0] == codes, printed
    for part in ("OK: 1 target (1 healthy)", '"bookings"', "booking_sync_bookings{"):
        assert part in printed


async def test_the_real_process_trusts_a_private_ca_that_the_environment_names(business: Business, tmp_path: Path) -> None:
    authority, certificate, key = signed(tmp_path)

    async with tls_in_front(business.url, certificate, key) as url:
        wix = business.wix_target(base_url=url, collectors=CALM)
        config = business.config(wix, business.bitrix24_target(base_url=url, collectors=CALM, budget={}))
        words = ("check-config", "--online", f"--config.file={config}")
        code, out, err = await typed(*words)
        assert (2, 2) == (code, err.count(": tls: TLS with localhost failed: ")), out
        code, out, err = await command(*words, environ={"SSL_CERT_FILE": str(authority)})
        assert (0, "") == (code, err), out
