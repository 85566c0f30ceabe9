"""Redirects: a renamed portal is followed within Bitrix24's cloud, nowhere else, and back when it does not work there."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest
import structlog.testing

from exporter.errors import InvalidResponseError, OverloadError, PollError, Reason, TargetConfigError
from exporter.model import CollectorName, Moved
from exporter.platforms.bitrix24.session import BitrixSession
from exporter.simulator import Fault, FaultKind
from exporter.support.secret import Secret
from tests.harness.bitrix24_oauth import open_oauth, write_tokens
from tests.harness.bitrix24_target import CODE, LIST, Bench, counts, poll_bookings, poll_links

OLD, NEW, OTHER, OWN = "https://old.bitrix24.de", "https://new.bitrix24.com", "https://other.bitrix24.de", "https://own.example"


def webhook(origin: str) -> Secret:
    return Secret(f"{origin}/rest/1/{CODE}/")


def open_at(bench: Bench, origin: str, name: str = "salon") -> BitrixSession:
    return bench.open(name=name, base_url=None, webhook_url=webhook(origin))


def to(place: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(302, headers={"Location": place + request.url.raw_path.decode()})


def error(code: str, status: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, json={"error": code})


def empty(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"result": {"booking": []}})


def unreachable(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no such host")


@dataclass
class Internet:
    """What stands at each origin; the rest is out of reach. ``asked`` are the origins that got a request, in their order."""

    origins: dict[str, Callable[[httpx.Request], httpx.Response]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        origin = str(request.url.copy_with(raw_path=b"")).rstrip("/")
        self.asked.append(origin)
        return self.origins.get(origin, unreachable)(request)


async def test_a_renamed_portal_gets_the_same_post_once_more_and_is_remembered(bench: Bench) -> None:
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    bench.serve_as("old.bitrix24.de", "new.bitrix24.com")
    bench.portal.address = NEW
    session = open_at(bench, OLD)
    with structlog.testing.capture_logs() as lines:
        assert 120 == counts(await poll_bookings(session))["next_7d"]
        assert 1 == bench.events.codes().count("302")
        assert {"POST"} == {call.method for call in bench.simulator.log}
        await poll_bookings(session)
    assert 1 == bench.events.codes().count("302")
    told = [(line["portal"], line["host"]) for line in lines if line["event"] == "portal_moved"]
    assert [("old.bitrix24.de", "new.bitrix24.com")] == told


async def test_a_renamed_portal_is_told_with_the_key_to_change_until_a_call_at_its_new_address_fails(bench: Bench) -> None:
    internet = Internet({OLD: to(NEW), NEW: empty})
    bench.http.instead = internet
    session = open_at(bench, OLD)
    assert session.usage().moved is None
    for _ in range(2):
        await poll_bookings(session)
        assert Moved("new.bitrix24.com", "webhook_url") == session.usage().moved
    internet.origins[NEW] = error("x", 404)
    with pytest.raises(PollError):
        await poll_bookings(session)
    assert session.usage().moved is None


async def test_a_place_that_only_redirects_and_gives_no_data_is_not_told_as_the_new_address(bench: Bench) -> None:
    bench.http.instead = Internet({OLD: to(NEW), NEW: error("x", 404)})
    session = open_at(bench, OLD)
    with pytest.raises(PollError):
        await poll_bookings(session)
    assert session.usage().moved is None


PATH = f"/rest/1/{CODE}/{LIST}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    ("asked", "location"),
    [
        (OLD, "https://evil.example"),
        (OLD, "https://new.bitrix24.com.evil.example"),
        (OLD, "https://evilbitrix24.com"),
        (OLD, "https://new.bitrix24.com."),
        (OLD, "https://new.bitrix24.com@evil.example"),
        (OLD, "http://new.bitrix24.de"),
        (OLD, "http://old.bitrix24.de"),
        (OLD, "https://new.bitrix24.com:8443"),
        (OLD, "https://old.bitrix24.de:8443"),
        (OLD, "https://own.example"),
        (OLD, "https://127.0.0.1"),
        (OLD, "http://169.254.169.254"),
        (OLD, "javascript:alert(1)//"),
        (OWN, "https://own.example:8443"),
        (OWN, "https://new.own.example"),
        (OWN, "https://new.bitrix24.com"),
        (f"{OWN}:8443", OWN),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081"),
        ("http://127.0.0.1:8080", "http://127.0.0.1"),
        ("http://127.0.0.1:8080", "http://localhost:8080"),
        ("http://127.0.0.1:8080", "http://[::1]:8080"),
        ("http://localhost:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", "https://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", "https://new.bitrix24.com"),
    ],
)
async def test_a_redirect_takes_the_credential_to_no_other_host_or_port_but_within_the_cloud(
    bench: Bench, asked: str, location: str, status: int
) -> None:
    internet = Internet({asked: lambda _: httpx.Response(status, headers={"Location": location + PATH})})
    bench.http.instead = internet
    with pytest.raises(PollError) as caught:
        await poll_bookings(open_at(bench, asked))
    assert caught.value.reason in {Reason.CONFIG, Reason.INVALID_RESPONSE}
    assert {asked} == set(internet.asked)
    assert CODE not in str(caught.value)


@pytest.mark.parametrize("path", ["/auth/", "/rest/1/", f"/rest/2/{CODE}/{LIST}", f"/rest/1/{CODE}/user.get", ""])
@pytest.mark.parametrize("place", [NEW, ""])
async def test_a_redirect_to_something_that_is_not_the_same_path_is_not_followed(bench: Bench, place: str, path: str) -> None:
    internet = Internet({OLD: lambda _: httpx.Response(302, headers={"Location": place + path})})
    bench.http.instead = internet
    where = " at new.bitrix24.com" if place else ""
    with pytest.raises(InvalidResponseError, match=f"old.bitrix24.de redirects to something{where} that is not its API"):
        await poll_bookings(open_at(bench, OLD))
    assert [OLD] == internet.asked


async def test_where_the_operator_has_to_decide_the_new_address_is_named_with_its_port(bench: Bench) -> None:
    bench.http.instead = Internet({OWN: to("https://own.example:8443")})
    with pytest.raises(TargetConfigError, match=r"moved to own\.example:8443; .* change the address in the configuration"):
        await poll_bookings(open_at(bench, OWN))


async def test_a_redirect_that_leads_to_a_redirect_is_an_error(bench: Bench) -> None:
    bench.simulator.faults.add(Fault(FaultKind.REDIRECT, location=f"{bench.url}/rest/1/{CODE}/{LIST}"))
    with pytest.raises(InvalidResponseError, match="redirects again and again"):
        await poll_bookings(bench.open())
    assert 2 == bench.calls()


# A move that fails

FAILURES = {
    "not our credential": error("INVALID_CREDENTIALS", 401),
    "not entitled": error("APPLICATION_NOT_FOUND", 401),
    "not found": lambda _: httpx.Response(404, text="<html>"),
    "deleted": error("PORTAL_DELETED", 403),
    "a page": lambda _: httpx.Response(200, text="<html>"),
    "a fault": lambda _: httpx.Response(500),
    "too many requests": lambda _: httpx.Response(429, headers={"Retry-After": "3600"}),
    "blocked": error("OVERLOAD_LIMIT", 503),
    "no such host": unreachable,
    "a redirect": to(OTHER),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_one_redirect_to_a_wrong_portal_is_forgotten_with_the_poll_that_it_failed(bench: Bench, failure: str) -> None:
    internet = Internet({OLD: to(NEW), NEW: FAILURES[failure]})
    bench.http.instead = internet
    session = open_at(bench, OLD)
    with pytest.raises(PollError):
        await poll_bookings(session)
    assert NEW in internet.asked
    internet.origins[OLD] = empty
    internet.asked.clear()
    await poll_bookings(session)
    assert {OLD} == set(internet.asked)


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_portal_that_moves_back_is_found_again_with_the_next_poll(bench: Bench, failure: str) -> None:
    internet = Internet({OLD: to(NEW), NEW: empty})
    bench.http.instead = internet
    session = open_at(bench, OLD)
    await poll_bookings(session)
    internet.origins |= {OLD: empty, NEW: FAILURES[failure]}
    with pytest.raises(PollError):
        await poll_bookings(session)
    internet.asked.clear()
    await poll_bookings(session)
    assert {OLD} == set(internet.asked)


async def test_a_block_at_the_new_address_holds_although_the_move_was_forgotten(bench: Bench) -> None:
    internet = Internet({OLD: to(NEW), NEW: error("OVERLOAD_LIMIT", 503)})
    bench.http.instead = internet
    session = open_at(bench, OLD)
    for poll in (poll_bookings, poll_links, poll_bookings):
        with pytest.raises(OverloadError):
            await poll(session)
    assert 1 == internet.asked.count(NEW)


# Who shares a portal's limit


@pytest.mark.slow
async def test_targets_share_a_limit_if_and_only_if_they_ask_the_same_origin_for_the_same_portal(bench: Bench) -> None:
    """Every way to write a target, with every redirect: what the network saw says where each one is asked."""
    names = (OLD, OTHER, OWN, f"{OWN}:8443")
    bases = (None, "https://gateway.example", OTHER)
    redirects = (None, NEW, OTHER)

    async def poll(session: BitrixSession) -> bool:
        try:
            await session.collectors[CollectorName.BOOKINGS].poll()
        except PollError:
            return False
        return True

    (bench.folder / "tokens").mkdir()
    members: list[tuple[tuple[str, str], BitrixSession]] = []
    for number, (written, base, redirect, kind) in enumerate(
        itertools.product(names, bases, redirects, ("webhook", "oauth", "oauth that was moved"))
    ):
        name, asked = written, base or written
        internet = Internet({asked: to(redirect) if redirect else empty})
        internet.origins |= {redirect: empty} if redirect not in {None, asked} else {}
        bench.http.instead = internet
        if kind == "webhook":
            session = bench.open(base_url=base, webhook_url=webhook(name))
        else:
            path = f"tokens/{number}.json"
            tokens = {"access_token": "a", "refresh_token": "r", "client_endpoint": f"{name}/rest/"}
            (bench.folder / path).write_text(json.dumps(tokens))
            session = open_oauth(bench, bench.oauth(path), base_url=base)
            if kind != "oauth":  # another process renewed the pair meanwhile
                await poll(session)
                internet = Internet({base or NEW: empty})
                bench.http.instead = internet
                (bench.folder / path).write_text(json.dumps(tokens | {"client_endpoint": f"{NEW}/rest/", "n": number}))
                name = NEW
        followed = await poll(session)
        last = internet.asked[-1]
        if followed:
            named = last if len(set(internet.asked)) > 1 else name
            members.append(((last, named), session))
    assert len(members) > 60
    for (place, session), (other_place, other) in itertools.combinations(members, 2):
        shared = session._lease.portal is other._lease.portal
        assert (place == other_place) == shared, (place, other_place)
    assert len({place for place, _ in members}) > 8


@pytest.mark.parametrize("how", ["token file", "auth server"])
async def test_who_calls_itself_by_another_s_name_holds_up_nobody(bench: Bench, how: str) -> None:
    bench.world.fill(3, bench.now, days=(0.1, 6.9))
    bench.serve_as("victim.bitrix24.de")
    named: dict[str, object] = {"client_endpoint": "https://victim.bitrix24.de/rest/"}
    write_tokens(bench, **(named if how == "token file" else {}))
    bench.simulator.bitrix24.oauth.lies = named
    bench.clock.now += 3601
    liar = open_oauth(bench)
    await liar.collectors[CollectorName.BOOKINGS].poll()
    bench.portal.overloaded = True
    with pytest.raises(OverloadError):
        await poll_bookings(liar)
    bench.portal.overloaded = False
    victim = bench.open(name="victim", base_url=None, webhook_url=webhook("https://victim.bitrix24.de"))
    assert 3 == counts(await poll_bookings(victim))["next_7d"]


async def test_a_webhook_and_an_application_of_one_portal_share_its_limit_also_after_it_was_renamed(bench: Bench) -> None:
    bench.serve_as("old.bitrix24.de", "new.bitrix24.com")
    write_tokens(bench, client_endpoint=f"{OLD}/rest/")
    one, two = open_at(bench, OLD), open_oauth(bench, base_url=None)
    await poll_bookings(one)
    await poll_bookings(two)
    assert one._lease.portal is two._lease.portal
    bench.portal.address = NEW
    bench.portal.client_endpoint = f"{NEW}/rest/"
    bench.clock.now += 3601
    await poll_bookings(one)  # by a redirect
    await poll_bookings(two)  # by the new pair
    assert one._lease.portal is two._lease.portal
    assert ("https://new.bitrix24.com", "new.bitrix24.com") == (
        one._lease.portal.place.origin,
        one._lease.portal.place.portal,
    )
