"""Auth answers: which addresses they may change, and whose pair is stored (bitrix24.md 9.2)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from exporter.errors import AuthError, PollError, Reason, TargetConfigError
from exporter.model import CollectorName
from exporter.platforms.bitrix24.session import BitrixSession, Shared
from tests.harness.bitrix24_oauth import another_pair, open_oauth, refreshes, stored, write_tokens
from tests.harness.bitrix24_target import Bench

SALON, NEW, OWN = "https://salon.bitrix24.de/rest/", "https://new.bitrix24.com/rest/", "https://own.example/rest/"
SERVED = ("salon.bitrix24.de", "new.bitrix24.com", "own.example", "new.own.example")


async def told(session: BitrixSession) -> PollError | None:
    """Poll, and return what is wrong although there is data."""
    return (await session.collectors[CollectorName.BOOKINGS].poll()).failure


async def renewed(bench: Bench, session: BitrixSession, **lies: Any) -> PollError | None:  # noqa: ANN401  JSON values
    """Renew by an answer that has ``lies`` in it; return what is wrong then."""
    bench.simulator.bitrix24.oauth.lies = lies
    bench.clock.now += 3601
    return await told(session)


class Hosts:
    """Which hosts were asked, by what for."""

    def __init__(self, bench: Bench) -> None:
        self.portal: list[str] = []
        self.auth: list[str] = []
        bench.http.on_request = self._note

    async def _note(self, request: httpx.Request) -> None:
        (self.auth if request.url.path == "/oauth/token/" else self.portal).append(request.url.netloc.decode())


async def test_a_portal_of_the_cloud_that_is_renamed_is_asked_at_the_address_that_comes_with_the_new_pair(bench: Bench) -> None:
    bench.serve_as(*SERVED)
    path = write_tokens(bench, client_endpoint=SALON)
    session = open_oauth(bench, base_url=None)
    assert await renewed(bench, session, client_endpoint=NEW) is None
    assert stored(path)["client_endpoint"] == NEW
    assert "new.bitrix24.com" == bench.simulator.log.last.headers["host"]


STRAYS = {
    SALON: [
        "https://evil.example/rest/",
        "https://salon.bitrix24.de.evil.example/rest/",
        "https://new.bitrix24.com@evil.example/rest/",
        "https://new.bitrix24.com:8443/rest/",
        "https://salon.bitrix24.de:8443/rest/",
        "http://salon.bitrix24.de/rest/",
        "https://new.bitrix24.com./rest/",
        "https://new.bitrix24.com/anything/",
        "https://salon.bitrix24.de/anything/",
        "https://new.bitrix24.com/",
        "https://salon.bitrix24.de/rest/?to=x",
        "https://salon.bitrix24.de/rest/#x",
        "https://someone:secret@salon.bitrix24.de/rest/",
        "https://someone@new.bitrix24.com/rest/",
        "http://127.0.0.1:8080/rest/",
        "http://localhost/rest/",
        "https://own.example/rest/",
        "http://169.254.169.254/rest/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "salon.bitrix24.de/rest/",
        "//new.bitrix24.com/rest/",
        "/rest/",
        "//",
        "https://xn--new-abc.bitrix24.com/rest/",
        "https://" + "a" * 300 + ".bitrix24.com/rest/",
        "https://new bitrix24.com/rest/",
        "https://new.bitrix24.com:port/rest/",
        "\x00",
        "nothing that anybody would take for an address",
    ],
    OWN: [
        "https://new.own.example/rest/",
        "https://own.example:8443/rest/",
        "https://own.example/portal/rest/",
        "https://new.bitrix24.com/rest/",
        "http://own.example/rest/",
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize(("known", "named"), [(known, named) for known, strays in STRAYS.items() for named in strays])
async def test_an_auth_answer_moves_a_portal_nowhere_else_and_loses_no_pair(bench: Bench, known: str, named: str) -> None:
    bench.serve_as(*SERVED)
    path = write_tokens(bench, client_endpoint=known)
    before = stored(path)
    hosts = Hosts(bench)
    session = open_oauth(bench, base_url=None)
    failure = await renewed(bench, session, client_endpoint=named)
    assert failure is not None
    assert Reason.CONFIG is failure.reason
    assert "bitrix24-login" in failure.message
    assert "base_url" in failure.message
    assert before | {"access_token": "", "refresh_token": "", "expires": 0} == stored(path) | {
        "access_token": "",
        "refresh_token": "",
        "expires": 0,
    }
    assert before["refresh_token"] != stored(path)["refresh_token"]
    assert await renewed(bench, session) is not None, "the simulator names its own address, which is another one, too"
    assert 2 == refreshes(bench), "the new pair renews"
    assert {httpx.URL(known).netloc.decode()} == set(hosts.portal)


async def test_a_move_that_was_refused_is_told_until_an_answer_or_a_login_says_otherwise(bench: Bench) -> None:
    bench.serve_as(*SERVED)
    path = write_tokens(bench, client_endpoint=OWN)
    session = open_oauth(bench, base_url=None)
    moved = {"client_endpoint": "https://new.own.example/rest/"}
    for _ in range(2):
        assert await renewed(bench, session, **moved) is not None
        assert await told(session) is not None
    assert await renewed(bench, session, client_endpoint=OWN) is None
    assert await renewed(bench, session, **moved) is not None
    path.write_text(json.dumps(another_pair(bench) | moved))
    assert await told(session) is None
    assert await renewed(bench, session, **moved) is None
    assert "new.own.example" == bench.simulator.log.last.headers["host"]


async def test_where_the_operator_set_base_url_no_answer_moves_the_portal_and_nobody_is_told(bench: Bench) -> None:
    path = write_tokens(bench, client_endpoint=OWN)
    hosts = Hosts(bench)
    assert await renewed(bench, open_oauth(bench), client_endpoint="https://new.own.example/rest/") is None
    assert OWN == stored(path)["client_endpoint"]
    assert {httpx.URL(bench.url).netloc.decode()} == set(hosts.portal)


async def test_a_move_to_the_base_url_that_the_operator_set_is_stored(bench: Bench) -> None:
    bench.serve_as(*SERVED)
    path = write_tokens(bench, client_endpoint=OWN)
    moved = "https://new.own.example/rest/"
    assert await renewed(bench, open_oauth(bench, base_url="https://new.own.example"), client_endpoint=moved) is None
    assert moved == stored(path)["client_endpoint"]
    bench.shared = Shared()
    assert await renewed(bench, open_oauth(bench, base_url=None), client_endpoint=moved) is None


@pytest.mark.parametrize("written", ["nothing", "https://", "//", "/rest/", "javascript:alert(1)", "https://h:port/", "\x00"])
@pytest.mark.parametrize("gateway", [True, False])
async def test_a_file_that_names_no_portal_says_what_to_do_and_gets_no_request(
    bench: Bench, written: str, gateway: bool
) -> None:
    write_tokens(bench, client_endpoint=written)
    with pytest.raises(TargetConfigError, match=r"client_endpoint in the token file .* bitrix24-login"):
        await told(open_oauth(bench, base_url=bench.url if gateway else None))
    assert [] == bench.events.codes()


# Whereto the client secret goes


@pytest.mark.parametrize("named", ["https://oauth.bitrix.info/rest/", "https://oauth.bitrix24.tech/rest/", "oauth.bitrix.info"])
async def test_the_auth_server_may_change_to_one_of_bitrix24_s(bench: Bench, named: str) -> None:
    path = write_tokens(bench)
    assert await renewed(bench, open_oauth(bench), server_endpoint=named) is None
    assert named == stored(path)["server_endpoint"]


@pytest.mark.parametrize(
    "named",
    [
        "https://evil.example/rest/",
        "https://oauth.bitrix.info.evil.example/rest/",
        "https://oauth.bitrix.info@evil.example/rest/",
        "https://oauth.bitrix.info:8443/rest/",
        "http://oauth.bitrix.info/rest/",
        "https://salon.bitrix24.de/rest/",
        "http://localhost:8080/rest/",
        "http://127.0.0.1:1/rest/",
        "http://169.254.169.254/rest/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//",
        "https://xn--new-abc.bitrix.info/",
        "evil.example",
        "\x00",
    ],
)
@pytest.mark.parametrize("in_the_file", [True, False])
async def test_the_client_secret_goes_to_no_server_that_only_an_answer_names(
    bench: Bench, named: str, in_the_file: bool
) -> None:
    path = write_tokens(bench, **({} if in_the_file else {"server_endpoint": None}))
    before = stored(path)
    hosts = Hosts(bench)
    session = open_oauth(bench)
    if not in_the_file:
        bench.serve_as("oauth.bitrix24.tech")
    for _ in range(2):
        failure = await renewed(bench, session, server_endpoint=named)
        assert failure is not None
        assert Reason.CONFIG is failure.reason
        assert "--oauth-server" in failure.message
        assert "oauth.server" in failure.message
    assert before.get("server_endpoint") == stored(path).get("server_endpoint")
    assert 2 == refreshes(bench), "no pair was lost"
    assert {httpx.URL(bench.url).netloc.decode() if in_the_file else "oauth.bitrix24.tech"} == set(hosts.auth)


async def test_where_the_operator_set_the_auth_server_another_one_is_not_asked_and_nobody_is_told(bench: Bench) -> None:
    path = write_tokens(bench, server_endpoint="https://oauth.bitrix.info/rest/")
    hosts = Hosts(bench)
    session = open_oauth(bench, bench.oauth(server=bench.url))
    for _ in range(2):
        assert await renewed(bench, session, server_endpoint="https://evil.example/rest/") is None
    assert "https://oauth.bitrix.info/rest/" == stored(path)["server_endpoint"]
    assert {httpx.URL(bench.url).netloc.decode()} == set(hosts.auth)


# Whose pair it is


@pytest.mark.parametrize("member", ["somebody-else", "", None, 5])
async def test_a_pair_of_another_portal_is_refused_and_one_that_does_not_say_is_not(bench: Bench, member: object) -> None:
    path = write_tokens(bench)
    before = stored(path)
    session = open_oauth(bench)
    if member == "somebody-else":
        with pytest.raises(AuthError, match="member_id"):
            await renewed(bench, session, member_id=member)
        assert before == stored(path)
    else:
        assert await renewed(bench, session, member_id=member) is None
        assert before["refresh_token"] != stored(path)["refresh_token"]
        assert before["member_id"] == stored(path)["member_id"]


async def test_a_file_without_a_member_id_takes_the_first_that_comes_from_its_portal_s_host(bench: Bench) -> None:
    path = write_tokens(bench, member_id=None)
    session = open_oauth(bench)
    assert await renewed(bench, session) is None
    assert bench.portal.member_id == stored(path)["member_id"]
    with pytest.raises(AuthError, match="member_id"):
        await renewed(bench, session, member_id="somebody-else")


async def test_a_file_without_a_member_id_takes_neither_one_nor_a_move_from_another_host(bench: Bench) -> None:
    bench.serve_as(*SERVED)
    path = write_tokens(bench, member_id=None, client_endpoint=SALON)
    before = stored(path)
    session = open_oauth(bench, base_url=None)
    failure = await renewed(bench, session, client_endpoint=NEW, member_id="somebody-else")
    assert failure is not None
    assert "bitrix24-login" in failure.message
    assert (SALON, None) == (stored(path)["client_endpoint"], stored(path).get("member_id"))
    assert before["refresh_token"] != stored(path)["refresh_token"]
    assert await renewed(bench, session, client_endpoint=SALON) is None
    assert bench.portal.member_id == stored(path)["member_id"]


async def test_a_file_that_is_swapped_by_hand_says_whose_pairs_are_taken_from_then_on(bench: Bench) -> None:
    path = write_tokens(bench)
    session = open_oauth(bench)
    assert await renewed(bench, session) is None
    path.write_text(json.dumps(another_pair(bench) | {"member_id": "another"}))
    with pytest.raises(AuthError, match="member_id"):
        await renewed(bench, session)
    path.write_text(json.dumps(another_pair(bench) | {"member_id": "another"}))
    assert await renewed(bench, session, member_id="another") is None
    path.write_text(json.dumps({key: value for key, value in another_pair(bench).items() if key != "member_id"}))
    assert await renewed(bench, session, member_id="a third") is None
    assert "a third" == stored(path)["member_id"]


@pytest.mark.parametrize("value", [5, [], {}, True, ""])
@pytest.mark.parametrize("name", ["member_id", "scope", "server_endpoint"])
async def test_a_field_of_another_type_costs_no_pair_where_the_file_has_none(bench: Bench, name: str, value: object) -> None:
    path = write_tokens(bench, **{name: None})
    before = stored(path)
    session = open_oauth(bench, bench.oauth(server=bench.url))
    assert await renewed(bench, session, **{name: value}) is None
    assert before["refresh_token"] != stored(path)["refresh_token"]
    assert not stored(path).get(name)
