"""Passwords: who passes, what it costs, and what is remembered."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import TypeVar

import bcrypt
import httpx
import pytest

from exporter.support.secret import Secret
from exporter.web import create_app, passwords
from exporter.web.auth import BasicAuth
from exporter.web.client_connections import ClientConnection
from exporter.web.config import WebConfig
from exporter.web.passwords import PasswordCheck, TooManySignInsError
from tests.harness import views
from tests.harness.web import ShownBackend

T = TypeVar("T")


def hashed(password: bytes, cost: int = 4) -> Secret:
    return Secret(bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode())


USERS = {"anna": hashed(b"right"), "bert": hashed(b"other")}


@pytest.fixture
async def check() -> AsyncIterator[PasswordCheck]:
    with contextlib.closing(PasswordCheck()) as made:
        yield made


async def ask(config: WebConfig, path: str = "/metrics", authorization: str | None = None) -> httpx.Response:
    async def in_force() -> WebConfig:
        return config

    with contextlib.closing(PasswordCheck()) as check:
        app = BasicAuth(create_app(ShownBackend(views.healthy())), in_force, check)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://exporter") as client:
            return await client.get(path, headers={"Authorization": authorization} if authorization is not None else {})


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Hold the hash of every password check that was really computed."""
    seen: list[bytes] = []
    compute = bcrypt.checkpw

    def checkpw(password: bytes, stored: bytes) -> bool:
        seen.append(stored)
        return compute(password, stored)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    return seen


async def test_a_right_password_opens_every_page() -> None:
    assert 200 == (await ask(WebConfig(users=USERS), authorization=basic("anna", "right"))).status_code


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param(basic("anna", "wrong"), id="wrong password"),
        pytest.param(basic("anna", ""), id="empty password"),
        pytest.param(basic("anna", "other"), id="somebody else's password"),
        pytest.param(basic("Anna", "right"), id="another case"),
        pytest.param(basic("nobody", "right"), id="unknown name"),
        pytest.param(basic("", "right"), id="no name"),
        pytest.param(basic("anna", "right\0"), id="zero byte"),
        pytest.param("Basic", id="no token"),
        pytest.param("Basic !!!", id="no base64"),
        pytest.param("Basic " + base64.b64encode(b"anna").decode(), id="no colon"),
        pytest.param("Basic " + base64.b64encode(b"\xff:right").decode(), id="no UTF-8"),
        pytest.param("Bearer " + basic("anna", "right").removeprefix("Basic "), id="another scheme"),
    ],
)
async def test_everybody_else_gets_401_and_a_challenge(authorization: str | None) -> None:
    answer = await ask(WebConfig(users=USERS), authorization=authorization)
    assert 401 == answer.status_code
    assert 'Basic realm="booking-sync-exporter", charset="UTF-8"' == answer.headers["www-authenticate"]
    assert "booking_sync" not in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/api/v1/status", "/config", "/runbooks/", "/-/reload", "/-/log-level", "/nowhere", "/-/"]
)
async def test_every_page_but_the_probes_needs_a_password(path: str) -> None:
    assert 401 == (await ask(WebConfig(users=USERS), path)).status_code


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
async def test_probes_are_open_unless_the_file_says_otherwise(path: str) -> None:
    assert 200 == (await ask(WebConfig(users=USERS), path)).status_code
    assert 401 == (await ask(WebConfig(users=USERS, probes_require_auth=True), path)).status_code
    answer = await ask(WebConfig(users=USERS, probes_require_auth=True), path, basic("anna", "right"))
    assert 200 == answer.status_code


@pytest.mark.parametrize("path", ["/-/healthy/", "/-/../metrics", "/-/healthy%2f..%2f..%2fmetrics", "//-/healthy/../metrics"])
async def test_no_detour_through_a_probe_opens_anything(path: str) -> None:
    assert (await ask(WebConfig(users=USERS), path)).status_code in {401, 404}


async def test_without_users_everything_is_open() -> None:
    assert 200 == (await ask(WebConfig())).status_code


async def test_the_scheme_is_read_in_any_case() -> None:
    assert (
        200 == (await ask(WebConfig(users=USERS), authorization=basic("anna", "right").replace("Basic", "bAsIc"))).status_code
    )


async def test_a_password_may_hold_a_colon_and_letters_of_any_script() -> None:
    users = {"анна": hashed("па:роль".encode())}
    assert 200 == (await ask(WebConfig(users=users), authorization=basic("анна", "па:роль"))).status_code


async def test_a_long_password_counts_to_the_72nd_byte_as_with_other_tools() -> None:
    users = {"anna": hashed(b"x" * 72)}
    assert 200 == (await ask(WebConfig(users=users), authorization=basic("anna", "x" * 100))).status_code
    assert 401 == (await ask(WebConfig(users=users), authorization=basic("anna", "x" * 71))).status_code


async def test_a_right_password_is_computed_once(check: PasswordCheck, counted: list[bytes]) -> None:
    assert [True] * 5 == [await check.is_right(USERS, "anna", b"right") for _ in range(5)]
    assert 1 == len(counted)


async def test_a_wrong_password_that_is_repeated_is_computed_once(check: PasswordCheck, counted: list[bytes]) -> None:
    assert [False] * 3 == [await check.is_right(USERS, "anna", b"wrong") for _ in range(3)]
    assert 1 == len(counted)


async def test_one_password_that_many_ask_about_at_once_is_computed_once(check: PasswordCheck, counted: list[bytes]) -> None:
    assert [True] * 20 == (await asyncio.gather(*(check.is_right(USERS, "anna", b"right") for _ in range(20))))
    assert 1 == len(counted)


MIXED = {"cheap": hashed(b"right", 4), "middle": hashed(b"other", 5), "dear": hashed(b"third", 7)}


@pytest.mark.parametrize("password", [b"wrong", b"", b"right\0", b"x" * 100])
@pytest.mark.parametrize("name", ["nobody", "cheap", "middle", "dear"])
async def test_a_wrong_password_costs_the_same_work_under_every_name(
    check: PasswordCheck, name: str, password: bytes, counted: list[bytes]
) -> None:
    assert not (await check.is_right(MIXED, name, password))
    assert 2**7 == sum(2 ** int(stored[4:6]) for stored in counted)


class HeldThreads:
    """In place of the two threads: holds what was begun until a test ends it, and remembers the passwords in their order."""

    def __init__(self, check: PasswordCheck, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[bytes] = []
        self._right = b"right"
        self._futures: list[asyncio.Future[bool]] = []

        def run(_: object, __: object, password: bytes, *___: object) -> asyncio.Future[bool]:
            self.begun.append(password)
            self._futures.append(asyncio.get_running_loop().create_future())
            return self._futures[-1]

        check.close()
        check._is_closed = False
        monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", run)

    async def end(self, number: int) -> None:
        """End the check that was begun as the ``number``-th."""
        self._futures[number].set_result(self.begun[number] == self._right)
        for _ in range(5):
            await asyncio.sleep(0)


def client(address: str = "192.0.2.1") -> ClientConnection:
    return ClientConnection(address, 0.0, 0.0, lambda: None, lambda _: None)


async def test_who_comes_last_and_who_waits_longest_are_checked_next(
    check: PasswordCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldThreads(check, monkeypatch)
    words = [b"%d" % number for number in range(6)]
    tasks = [asyncio.create_task(check.is_right(USERS, "anna", word, client())) for word in words]
    await asyncio.sleep(0)
    for number in range(6):
        await held.end(number)
    assert [False] * 6 == await asyncio.gather(*tasks)
    assert [b"0", b"1", b"5", b"2", b"4", b"3"] == held.begun, "each fourth is who has waited longest"


async def test_a_connection_that_sent_wrong_passwords_is_checked_after_others(
    check: PasswordCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldThreads(check, monkeypatch)
    attackers = [client() for _ in range(4)]
    for attacker in attackers:
        attacker.wrong_passwords = 1
    first = [check.is_right(USERS, "anna", b"%d" % number, one) for number, one in enumerate(attackers)]
    tasks = [asyncio.create_task(one) for one in (*first, check.is_right(USERS, "anna", b"right", client()))]
    tasks += [asyncio.create_task(check.is_right(USERS, "anna", b"later", attackers[0]))]
    await asyncio.sleep(0)
    await held.end(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert b"right" == held.begun[-1]


async def test_an_address_that_sent_wrong_passwords_is_checked_after_others(
    check: PasswordCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldThreads(check, monkeypatch)
    words = [b"%d" % number for number in range(8)]
    tasks = [asyncio.create_task(check.is_right(USERS, "anna", word, client("203.0.113.9"))) for word in words]
    await asyncio.sleep(0)
    await held.end(0)
    tasks += [asyncio.create_task(check.is_right(USERS, "anna", b"right", client("192.0.2.1")))]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(check.is_right(USERS, "anna", b"last", client("203.0.113.9")))]
    await asyncio.sleep(0)
    await held.end(1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert b"right" == held.begun[-1]


async def test_nobody_who_has_hung_up_is_checked_or_keeps_a_place(
    check: PasswordCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "SIGN_INS", 2)

    held = HeldThreads(check, monkeypatch)
    clients = [client() for _ in range(4)]
    tasks = [asyncio.create_task(check.is_right(USERS, "anna", b"%d" % number, one)) for number, one in enumerate(clients)]
    await asyncio.sleep(0)
    clients[2].gone = clients[3].gone = True
    tasks += [asyncio.create_task(check.is_right(USERS, "anna", b"right", client()))]
    await asyncio.sleep(0)
    for number in range(3):
        await held.end(number)
    assert [False] * 4 + [True] == await asyncio.gather(*tasks)
    assert [b"0", b"1", b"right"] == held.begun


async def test_a_changed_hash_ends_the_old_password_at_once(check: PasswordCheck) -> None:
    assert [True, False, False, True] == [
        await check.is_right(users, "anna", password)
        for users in (USERS, {"anna": hashed(b"changed")})
        for password in (b"right", b"changed")
    ]


async def test_a_removed_user_is_out_at_once(check: PasswordCheck) -> None:
    assert [True, False] == [await check.is_right(users, "anna", b"right") for users in (USERS, {"bert": USERS["bert"]})]


async def test_what_is_remembered_is_bounded_and_holds_no_password(
    check: PasswordCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_REMEMBERED", 3)
    users = {str(number): hashed(b"right") for number in range(6)}

    for name in users:
        assert await check.is_right(users, name, b"right")
    assert 3 == len(check._right)
    assert "right" not in repr(check._right)


@pytest.mark.slow
async def test_the_loop_runs_on_while_a_password_is_checked(check: PasswordCheck) -> None:
    users = {"anna": hashed(b"right", 10)}

    turns = 0
    task = asyncio.create_task(check.is_right(users, "anna", b"wrong"))
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert 10 < turns


@pytest.mark.slow
async def test_so_many_sign_ins_at_once_are_refused_but_known_passwords_pass(
    check: PasswordCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "SIGN_INS", 2)
    users = {"anna": hashed(b"right", 4), "bert": hashed(b"other", 9)}

    assert await check.is_right(users, "anna", b"right")
    attacks = [asyncio.create_task(check.is_right(users, "bert", b"wrong %d" % number)) for number in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(TooManySignInsError):
        await check.is_right(users, "bert", b"wrong")
    assert await check.is_right(users, "anna", b"right")
    assert [False] * 4 == await asyncio.gather(*attacks)
    assert not await check.is_right(users, "bert", b"wrong")


async def test_too_many_sign_ins_answer_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "SIGN_INS", 0)
    answer = await ask(WebConfig(users=USERS), authorization=basic("anna", "right"))
    assert (503, "5") == (answer.status_code, answer.headers["retry-after"])
