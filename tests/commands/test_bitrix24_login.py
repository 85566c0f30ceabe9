"""From client id and secret to a token file that works (bitrix24.md 9.2)."""

from __future__ import annotations

import asyncio
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from exporter.commands.bitrix24_login import LoggedIn, login
from exporter.commands.check_config import check_online
from exporter.config import load_config
from exporter.errors import AuthError, PollError, TargetConfigError
from exporter.platforms.bitrix24 import authserver
from exporter.platforms.bitrix24.tokenfile import TokenFile
from exporter.support import logs
from tests.harness.bitrix24_target import Bench, counts, poll_bookings, running_portal

SECRET = "appsecret-planted-1"


class Operator:
    """Opens the page, allows the application, and pastes where the browser ended."""

    def __init__(self, bench: Bench, change: str = "{}") -> None:
        self.said: list[str] = []
        self._bench = bench
        self._change = change
        self._page = ""

    def open_page(self, page: str) -> None:
        self._page = page

    def ask(self, prompt: str) -> str:
        self.said.append(prompt)
        answer = httpx.get(self._page, params=None, trust_env=False, verify=False)  # noqa: S501  no TLS here
        return self._change.format(answer.headers["location"])

    async def log_in(self, secret: str = SECRET, ask_secret: Callable[[], str] | None = None) -> LoggedIn:
        async def main() -> LoggedIn:
            async with httpx.AsyncHTTPTransport(verify=False, trust_env=False) as http:
                return await login(
                    self._bench.url,
                    "local.app",
                    secret,
                    self._bench.folder / "tokens.json",
                    self._bench.url,
                    show=self.said.append,
                    ask=self.ask,
                    open_page=self.open_page,
                    ask_secret=ask_secret,
                    http=http,
                )

        return await asyncio.to_thread(asyncio.run, main())


def install(bench: Bench) -> None:
    bench.simulator.bitrix24.add_app(
        bench.portal, client_id="local.app", client_secret=SECRET, redirect_uri="https://app.example/callback"
    )


async def test_the_login_leaves_a_token_file_with_which_bookings_are_read(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        bench.world.fill(20, bench.now, days=(0.1, 6.9))
        operator = Operator(bench)
        done = await operator.log_in()
        path = bench.folder / "tokens.json"
        assert (done.portal, done.token_file) == ("127.0.0.1", path)
        assert "booking" in done.scopes
        assert 0o600 == stat.S_IMODE(path.stat().st_mode)
        session = bench.open(webhook_url=None, oauth=bench.oauth())
        assert 20 == counts(await poll_bookings(session))["next_7d"]
        bench.clock.now += 3601  # and the refresh token in it works, too
        await poll_bookings(session)
        assert SECRET not in "".join(operator.said)


async def test_a_login_without_the_scope_says_so(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        bench.simulator.bitrix24.add_app(
            bench.portal,
            client_id="local.app",
            client_secret=SECRET,
            redirect_uri="https://app.example/",
            scopes=frozenset({"crm"}),
        )
        operator = Operator(bench)
        await operator.log_in()
        assert "lacks the scope booking" in operator.said[-1]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ("https://app.example/callback?code=abcdefghijkl&state=forged", TargetConfigError),
        ("https://app.example/callback?state=x", TargetConfigError),
        ("https://app.example/callback?error=access_denied", TargetConfigError),
        ("", TargetConfigError),
        ("abcdefghijklmnop", AuthError),  # a bare code that nobody issued
    ],
)
async def test_what_is_no_answer_of_this_login_stores_nothing(change: str, error: type[PollError], tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        with pytest.raises(error):
            await Operator(bench, change).log_in()
        assert [] == [entry for entry in bench.folder.iterdir() if entry.suffix != ".lock"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("https://app.example/callback", "the address has no code"),
        ("https://app.example/callback?code=c0dec0dec0de&state=another", "the address belongs to another login"),
        ("c0dec0dec0de", "no longer accepts the code, which is valid once and for 30 seconds"),
    ],
)
async def test_a_wrong_paste_or_a_late_code_is_told_and_asked_for_again(wrong: str, told: str, tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        operator = Operator(bench)
        pasted = iter([wrong])
        right = operator.ask
        operator.ask = lambda prompt: next(pasted, None) or right(prompt)  # type: ignore[method-assign]  # one slip
        done = await operator.log_in()
        said = "".join(operator.said)
        assert told in said
        assert "refresh token" not in said
        assert said.endswith("Then: booking-sync-exporter check-config --online --config.file exporter.yml\n")
        assert done.token_file.exists()


async def test_a_login_gives_up_after_three_wrong_pastes(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        operator = Operator(bench, "https://app.example/callback")
        with pytest.raises(TargetConfigError, match="the address has no code"):
            await operator.log_in()
        assert 3 == sum(text.startswith("Address of") for text in operator.said)


async def test_a_wrong_client_secret_is_told(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        with pytest.raises(AuthError, match="client_id and client_secret"):
            await Operator(bench).log_in("wrong")
        assert [] == [entry for entry in bench.folder.iterdir() if entry.suffix != ".lock"]


async def test_after_a_wrong_client_secret_another_is_asked_for(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        operator = Operator(bench)
        typed = iter(["wrong-again-1234", f" {SECRET} "])
        await operator.log_in("wrong-secret-1234", lambda: next(typed))
        said = "".join(operator.said)
        assert 2 == said.count("client_id and client_secret; take both from the application's card")
        assert {"wrong-again-1234", "wrong-secret-1234", SECRET} & set(said.split()) == set()
        assert (tmp_path / "tokens.json").exists()


# What the authorisation server may say, the way of the operator, and whether another try may go better.
ANSWERS = {
    ("invalid_grant", 400): ("no longer accepts the code, which is valid once and for 30 seconds", True),
    ("invalid_client", 401): ("does not know client_id and client_secret; take both from the application's card", False),
    ("wrong_client", 200): ("does not know client_id and client_secret; take both from the application's card", False),
    ("insufficient_scope", 403): ("does not grant the scope booking", False),
    ("invalid_scope", 400): ("does not grant the scope booking", False),
    ("PAYMENT_REQUIRED", 401): ("requires payment for the application or the plan", False),
    ("NOT_INSTALLED", 401): ("says that the application is not installed on the portal", False),
    ("invalid_request", 400): ("does not accept the request, which is a fault of the exporter", False),
    ("NEW_WORD", 400): ("refuses to issue tokens (HTTP 400)", False),
    ("NEW_WORD", 404): ("does not know the portal (HTTP 404)", False),
    ("NEW_WORD", 429): ("refuses because of too many requests", False),
    ("NEW_WORD", 503): ("has a fault (HTTP 503)", False),
}


def test_the_answers_are_all_that_we_know() -> None:
    assert authserver._RULES.keys() <= {word.lower() for word, _ in ANSWERS}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.items(), ids=lambda value: str(value[0]))
async def test_each_answer_of_the_authorisation_server_has_its_sentence(
    answer: tuple[str, int], expected: tuple[str, bool], tmp_path: Path
) -> None:
    sentence, is_asked_again = expected

    async with running_portal(tmp_path) as bench:
        install(bench)
        bench.simulator.bitrix24.oauth.refuse_with = answer
        operator = Operator(bench)
        with pytest.raises(PollError) as caught:
            await operator.log_in()
        said = "".join((*operator.said, caught.value.message))
        assert sentence in said
        assert "refresh token" not in said, "there is none yet"
        assert (3 if is_asked_again else 1) == sum(text.startswith("Address of") for text in operator.said)
        assert [] == [entry for entry in bench.folder.iterdir() if entry.suffix != ".lock"]


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "  {}\n",
        '"{}"',
        "'{}' ",
        "<{}>",
        "“{}”",
        "`{}`",
        "({})",
        "broken",
        "html",
        "query",
        "code",
        "quoted code",
    ],
)
async def test_an_address_is_read_however_it_was_copied(form: str, tmp_path: Path) -> None:
    def copied(address: str) -> str:
        url = httpx.URL(address)
        whole = {
            "broken": f"{address[:40]}\n  {address[40:60]} {address[60:]}",
            "html": address.replace("&", "&amp;"),
            "query": url.query.decode(),
            "code": url.params["code"],
            "quoted code": f' "{url.params["code"]}"',
        }
        return whole.get(form) or form.format(address)

    async with running_portal(tmp_path) as bench:
        install(bench)
        operator = Operator(bench)
        browser = operator.ask
        operator.ask = lambda prompt: copied(browser(prompt))  # type: ignore[method-assign]  # a clumsy hand
        await operator.log_in()
        assert 1 == sum(text.startswith("Address of") for text in operator.said)


async def test_the_block_that_is_printed_at_the_end_is_a_configuration_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        operator = Operator(bench)
        await operator.log_in()
        said = "".join(operator.said)
        assert "the redirect address of the application's card" in said
        (tmp_path / "exporter.yml").write_text(re.search(r"^targets:\n(?:[- ].*\n)+", said, re.MULTILINE)[0])  # type: ignore[index]
        monkeypatch.setenv("B24_CLIENT_SECRET", SECRET)
        [target] = load_config(tmp_path / "exporter.yml").targets
        assert [] == await check_online(load_config(tmp_path / "exporter.yml"), lambda _: None, lambda _: None)
        assert "127" == target.name


@pytest.mark.parametrize("end", [EOFError(), UnicodeDecodeError("ascii", b"\xff", 0, 1, "no")])
async def test_where_nobody_answers_it_ends_with_a_sentence(end: Exception, tmp_path: Path) -> None:
    def ask(_: str) -> str:
        raise end

    with pytest.raises(TargetConfigError, match="no input: run bitrix24-login on a terminal"):
        await login("salon.bitrix24.de", "local.app", SECRET, tmp_path / "tokens.json", show=str, ask=ask, open_page=str)


async def test_a_portal_over_plain_http_is_refused_before_anything_happens(tmp_path: Path) -> None:
    with pytest.raises(TargetConfigError, match="https"):
        await login("http://portal.example", "local.app", SECRET, tmp_path / "tokens.json")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "server", ["evil.example", "oauth.bitrix.info.evil.example", "salon.bitrix24.de", "https://evil.example:443"]
)
async def test_the_secret_does_not_go_to_a_server_that_only_the_portal_names(server: str, tmp_path: Path) -> None:
    pages: list[str] = []

    def paste(_: str) -> str:
        state = httpx.URL(pages[0]).params["state"]
        return f"https://app.example/callback?code=0123456789abcdef&state={state}&server_domain={server}"

    def fail(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url.host)

    async with httpx.MockTransport(fail) as http:
        with pytest.raises(TargetConfigError, match="--oauth-server"):
            await login(
                "salon.bitrix24.de",
                "local.app",
                SECRET,
                tmp_path / "tokens.json",
                show=lambda _: None,
                ask=paste,
                open_page=pages.append,
                http=http,
            )
    assert [] == [entry for entry in tmp_path.iterdir() if entry.suffix != ".lock"]


@pytest.mark.parametrize("member", ["another portal", None])
async def test_a_login_replaces_no_pair_of_another_portal(member: str | None, tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        path = tmp_path / "tokens.json"
        content = {"access_token": "a", "refresh_token": "r", "client_endpoint": "https://other.bitrix24.de/rest/"}
        path.write_text(json.dumps(content | ({"member_id": member} if member else {})))
        before = path.read_bytes()
        if member:
            with pytest.raises(
                TargetConfigError, match=r"tokens of another portal, other\.bitrix24\.de; .* remove that one first"
            ):
                await Operator(bench).log_in()
            assert before == path.read_bytes()
            path.unlink()
        for _ in range(2):  # again to the portal whose pair it is by now
            await Operator(bench).log_in()
            assert bench.portal.member_id == json.loads(path.read_text())["member_id"]


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("client_endpoint", "https://evil.example/rest/"),
        ("client_endpoint", "http://localhost:1/rest/"),
        ("client_endpoint", "javascript:alert(1)"),
        ("server_endpoint", "https://evil.example/rest/"),
        ("server_endpoint", "no address at all"),
    ],
)
async def test_a_login_stores_the_portal_and_the_server_that_the_operator_named_and_tells_of_others(
    name: str, named: str, tmp_path: Path
) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        bench.simulator.bitrix24.oauth.lies = {name: named}
        operator = Operator(bench)
        await operator.log_in()
        assert f"{bench.url}/rest/" == json.loads((tmp_path / "tokens.json").read_text())[name]
        assert operator.said[-1].startswith("But the authorisation server")
        bench.simulator.bitrix24.oauth.lies = {}
        await poll_bookings(bench.open(base_url=None, webhook_url=None, oauth=bench.oauth()))


@pytest.mark.parametrize("name", ["client_endpoint", "server_endpoint"])
@pytest.mark.parametrize(
    ("secret", "shown"),
    [(SECRET, SECRET), (SECRET, SECRET.encode().hex()), ("r3newed-just-now", "r3newed-just-now")],
    ids=["client secret", "client secret in hex", "new token"],
)
async def test_a_login_shows_no_secret_that_the_answer_names_as_an_address(
    name: str, secret: str, shown: str, tmp_path: Path
) -> None:
    try:
        async with running_portal(tmp_path) as bench:
            install(bench)
            bench.simulator.bitrix24.oauth.lies = {name: f"https://{shown}.example/rest/"}
            if secret != SECRET:
                bench.simulator.bitrix24.oauth.lies["refresh_token"] = secret
            operator = Operator(bench)
            await operator.log_in()
            assert "********.example" in operator.said[-1]
            assert shown not in "".join(operator.said)
    finally:
        logs.mask_with(str)


async def test_a_login_behind_a_link_leaves_the_link(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        (tmp_path / "kept").mkdir()
        path = tmp_path / "tokens.json"
        path.symlink_to("kept/tokens.json")
        await Operator(bench).log_in()
        assert path.is_symlink()
        await poll_bookings(bench.open(webhook_url=None, oauth=bench.oauth()))


async def test_a_token_that_is_renewed_while_the_operator_is_at_the_browser_hinders_no_login(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        await Operator(bench).log_in()
        session = bench.open(webhook_url=None, oauth=bench.oauth())
        bench.clock.now += 3601
        loop = asyncio.get_running_loop()

        class Slow(Operator):
            def ask(self, prompt: str) -> str:
                asyncio.run_coroutine_threadsafe(poll_bookings(session), loop).result(10)
                return super().ask(prompt)

        await Slow(bench).log_in()
        oauth = bench.simulator.bitrix24.oauth
        assert 1 == oauth.refreshes
        assert list(oauth._by_refresh)[-1] == json.loads((tmp_path / "tokens.json").read_text())["refresh_token"]
        await poll_bookings(session)


async def test_a_login_that_begins_amid_a_renewal_takes_nothing_from_it(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        install(bench)
        path = tmp_path / "tokens.json"
        renewing = TokenFile(path)
        assert renewing.lock()
        descriptor = renewing.prepare()
        new = b'{"access_token": "a", "refresh_token": "r", "client_endpoint": "https://p.example/rest/"}'

        class Amid(Operator):
            def open_page(self, page: str) -> None:
                super().open_page(page)
                renewing.store(descriptor, new)
                assert new == path.read_bytes()
                renewing.unlock()

        await Amid(bench).log_in()
        await poll_bookings(bench.open(webhook_url=None, oauth=bench.oauth()))


async def test_a_folder_that_cannot_be_written_shows_before_the_operator_is_asked(tmp_path: Path) -> None:
    (tmp_path / "tokens.json.new").mkdir()
    with pytest.raises(TargetConfigError, match=r"cannot write beside the token file .*/tokens\.json"):
        await login("salon.bitrix24.de", "local.app", SECRET, tmp_path / "tokens.json", open_page=pytest.fail)
