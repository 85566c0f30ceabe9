"""What really arrives at pager, chat and mailbox: the shipped receivers of a real Alertmanager, pointed at this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.monitoring.inboxes import Inboxes, inboxes, send, text_of
from tests.monitoring.libyaml import safe_load
from tests.monitoring.servers import wait_for

pytestmark = pytest.mark.servers

WHAT = "2 bookings of salon within the next 24 hours overlap."
FIX = "The front desk moves one of them."
MORNING = "Two customers sit in one chair at 08:30."
LINKS = {
    "runbook_url": "https://runbooks.example/bookingsyncdoublebooking.md",
    "dashboard_url": "https://grafana.example/d/booking-sync-target?var-job=j&var-target=salon",
    "board": "https://sync.example/#salon",
}
OVERLAP = {
    "summary": "Bookings overlap on one resource.",
    "description": WHAT,
    "since": "Fri 27 Nov 02:11 UTC",
    "fix": FIX,
    "until_morning": MORNING,
}
ODD = """Möller & Söhne "Spa" <b>{{ .Foo }}</b> 'x'"""
Alert = tuple[Mapping[str, str], Mapping[str, str]]


def _alert(
    name: str = "BookingSyncDoubleBooking",
    *,
    target: str = "salon",
    severity: str = "critical",
    platform: str = "",
    **more: str,
) -> Alert:
    labels = {"alertname": name, "severity": severity, "fixed_by": "front desk", "job": "j", "target": target}
    labels |= {"platform": platform} if platform else {}
    return labels, {**OVERLAP, "description": WHAT.replace("salon", target), **more}


def escaped(text: str) -> str:
    """Return a text as Slack wants it wherever it stands: three signs are its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _fleet(number: int, fix: str = FIX) -> list[Alert]:
    return [_alert("BookingSyncDataStale", target=f"s{n:03}", severity="warning", fix=fix) for n in range(number)]


def _all_texts(found: Inboxes) -> list[str]:
    page, chat, mail = found.pages[0], found.chats[0]["attachments"][0], found.mails[0]
    html = text_of(mail, "html").replace("&amp;", "&")
    return [page["payload"]["custom_details"]["what to do"], chat["text"], text_of(mail), html]


def _page_chat_and_mail(directory: Path, **more: str) -> Inboxes:
    with inboxes(directory, group_wait="200ms", group_interval="500ms") as (client, found):
        # Of another name: a page keeps its own ticket back.
        send(client, [_alert(**more), _alert("BookingSyncUnlinkedBookings", severity="warning", **more)])
        wait_for("page, chat message and mail", lambda: found.pages and found.chats and found.mails)
    return found


def test_pager_chat_and_mail_say_what_since_when_who_mends_it_how_and_what_happens_until_morning(tmp_path: Path) -> None:
    found = _page_chat_and_mail(tmp_path, **LINKS)
    for text in _all_texts(found):
        for part in (WHAT, "Since Fri 27 Nov 02:11 UTC", "front desk", FIX, MORNING, *LINKS.values()):
            assert part in text
    assert "[critical] salon: Bookings overlap on one resource" == found.pages[0]["payload"]["summary"]
    assert "[warning] salon: Bookings overlap on one resource" == found.chats[0]["attachments"][0]["title"]
    assert "[warning] salon: Bookings overlap on one resource" == found.mails[0]["Subject"]


def test_a_page_names_its_component_and_class_and_leads_to_board_runbook_and_dashboard(tmp_path: Path) -> None:
    page = _page_chat_and_mail(tmp_path, **LINKS).pages[0]
    assert ("salon", "BookingSyncDoubleBooking") == (page["payload"]["component"], page["payload"]["class"])
    assert ("critical", "") == (page["payload"]["severity"], page["payload"].get("group", ""))
    assert "booking-sync-exporter" == page["client"]
    assert "https://sync.example/#salon" == page["client_url"]
    assert [
        ("Status board", LINKS["board"]),
        ("Runbook", LINKS["runbook_url"]),
        ("Dashboard", LINKS["dashboard_url"]),
    ] == [(link["text"], link["href"]) for link in page["links"]]


@pytest.mark.parametrize(
    ("links", "place"),
    [
        ([LINKS, LINKS], LINKS["board"]),
        ([LINKS, LINKS | {"board": "https://sync.example/#other"}], LINKS["dashboard_url"]),
        ([{"dashboard_url": "https://grafana.example/d/a"}, {"dashboard_url": "https://grafana.example/d/b"}], None),
    ],
    ids=["one place", "one dashboard", "two places"],
)
def test_the_link_of_a_message_leads_to_what_all_its_alerts_share_or_nowhere(
    links: list[dict[str, str]], place: str | None, tmp_path: Path
) -> None:
    alerts = [
        _alert(name, severity=severity, **more)
        for severity, names in (
            ("critical", ("BookingSyncDoubleBooking", "BookingSyncAllConnectionsFailing")),
            ("warning", ("BookingSyncUnlinkedBookings", "BookingSyncUnlinkedBookings")),
        )
        for name, more in zip(names, links, strict=True)
    ]
    alerts[-1] = ({**alerts[-1][0], "window": "next_7d"}, alerts[-1][1])
    with inboxes(tmp_path, group_wait="1s", group_interval="1s") as (client, found):
        send(client, alerts)
        wait_for("page and chat message", lambda: found.pages and found.chats)
    page, chat = found.pages[0], found.chats[0]["attachments"][0]
    assert (place, place) == (page.get("client_url") or None, chat.get("title_link") or None)
    shared = [name for name in ("board", "dashboard_url") if links[0].get(name) == links[1].get(name)]
    # The runbook is that of the alert in the title.
    expected = [
        links[0][name]
        for name in ("board", "runbook_url", "dashboard_url")
        if name in (*shared, "runbook_url") and name in links[0]
    ]
    assert expected == [link["href"] for link in page.get("links") or []]
    names = page["payload"]["custom_details"]["firing"].split(", ")
    assert ["BookingSyncAllConnectionsFailing", "BookingSyncDoubleBooking"] == sorted(names)
    assert page["payload"]["class"] == names[0]


_TWO = ("BookingSyncAllConnectionsFailing", "BookingSyncDoubleBooking")


@pytest.mark.parametrize(("over", "left"), [_TWO, _TWO[::-1]])
def test_a_page_of_which_a_part_is_over_is_about_what_still_fires(over: str, left: str, tmp_path: Path) -> None:
    first, second = (
        _alert(name, summary=f"{name} is so.", runbook_url=f"https://sync.example/runbooks/{name}") for name in (over, left)
    )
    with inboxes(tmp_path, group_wait="300ms", group_interval="500ms") as (client, found):
        send(client, [first, second])
        wait_for("the page", lambda: found.pages)
        send(client, [first], resolved=True)
        wait_for("the end of one", lambda: len(found.pages) > 1)
        send(client, [second], resolved=True)
        wait_for("the end of both", lambda: len(found.pages) > 2)
    page, end = found.pages[1:]
    assert ("trigger", left) == (page["event_action"], page["payload"]["class"])
    assert f"[critical] salon: {left} is so" == page["payload"]["summary"]
    assert [f"https://sync.example/runbooks/{left}"] == [link["href"] for link in page["links"]]
    assert ("resolve", left) == (end["event_action"], end["payload"]["class"])


def test_a_page_names_the_site_that_its_target_serves(tmp_path: Path) -> None:
    labels, annotations = _alert()
    with inboxes(tmp_path, group_wait="200ms", group_interval="500ms") as (client, found):
        send(client, [({**labels, "site": "berlin"}, annotations)])
        wait_for("the page", lambda: found.pages)
    assert "berlin" == found.pages[0]["payload"]["group"]


def test_what_a_phone_shows_of_a_chat_message_is_its_state_and_title(tmp_path: Path) -> None:
    ticket = _alert(severity="warning")
    with inboxes(tmp_path, group_wait="200ms", group_interval="500ms") as (client, found):
        send(client, [ticket])
        wait_for("the message", lambda: found.chats)
        send(client, [ticket], resolved=True)
        wait_for("its end", lambda: len(found.chats) > 1)
    shown = [(chat["attachments"][0]["fallback"], chat["attachments"][0]["color"]) for chat in found.chats]
    title = "[warning] salon: Bookings overlap on one resource"
    assert [(f"FIRING {title}", "warning"), (f"RESOLVED {title}", "good")] == shown


def test_a_page_does_not_say_everything_twice(tmp_path: Path) -> None:
    details = _page_chat_and_mail(tmp_path, **LINKS).pages[0]["payload"]["custom_details"]
    text = details.pop("what to do")
    assert WHAT in text
    assert ("BookingSyncDoubleBooking", None) == (details["firing"], details["resolved"] or None)
    assert WHAT not in str(details)


def test_without_addresses_no_message_has_a_link_or_a_word_for_one(tmp_path: Path) -> None:
    found = _page_chat_and_mail(tmp_path)
    for text in (*_all_texts(found), str(found.pages[0])):
        assert not {"runbook", "dashboard", "board", "href"} & set(text.lower().replace('"', " ").replace("'", " ").split())
        assert "<no value>" not in text
        assert "|" not in text


def test_the_end_of_an_incident_has_the_subject_and_the_thread_of_its_beginning(tmp_path: Path) -> None:
    critical, ticket = _alert(), _alert("BookingSyncConnectionNeedsOwner", severity="warning", fix="Connect it again.")
    with inboxes(tmp_path, group_wait="200ms", group_interval="500ms") as (client, found):
        send(client, [critical, ticket])
        wait_for("page and mail", lambda: found.pages and found.mails)
        send(client, [critical, ticket], resolved=True)
        wait_for("their ends", lambda: len(found.pages) > 1 and len(found.mails) > 1)
    begin, end = found.pages
    assert ("trigger", "resolve") == (begin["event_action"], end["event_action"])
    assert begin["dedup_key"] == end["dedup_key"]
    assert "BookingSyncDoubleBooking" == end["payload"]["custom_details"]["resolved"]
    assert not end["payload"]["custom_details"]["firing"]
    first, last = found.mails
    assert first["Subject"] == last["Subject"]
    assert first["References"] == last["References"]
    assert "<BookingSyncConnectionNeedsOwner.j@booking-sync>" == first["References"]
    assert ("FIRING", "RESOLVED") == (text_of(first).splitlines()[0], text_of(last).splitlines()[0])


def test_two_alerts_of_a_target_are_one_page_that_names_one_and_counts_the_other(tmp_path: Path) -> None:
    summary = "No calendar of a target syncs."
    more = _alert("BookingSyncAllConnectionsFailing", summary=summary, description="Nothing is known.", fix="Look.")
    with inboxes(tmp_path, group_wait="1s", group_interval="1s") as (client, found):
        send(client, [_alert(), more])
        wait_for("the page", lambda: found.pages)
    (page,) = found.pages
    assert "[critical] salon: No calendar of a target syncs (+1)" == page["payload"]["summary"]
    text = page["payload"]["custom_details"]["what to do"]
    for part in (WHAT, FIX, "Nothing is known.", "What to do: Look."):
        assert part in text


def test_each_cause_that_many_targets_share_is_a_page_of_its_own(tmp_path: Path) -> None:
    labels, annotations = _alert("BookingSyncPlatformDown", target="")
    shared = [({**labels, "platform": platform}, annotations) for platform in ("wix", "bitrix24")]
    refused = {**labels, "alertname": "BookingSyncCredentialRefused", "platform": "wix"}
    shared += [({**refused, "credential": name}, annotations) for name in ("/run/secrets/a", "/run/secrets/b")]
    with inboxes(tmp_path, group_wait="300ms", group_interval="500ms") as (client, found):
        send(client, shared)
        wait_for("four pages", lambda: len(found.pages) > 3)
    assert 4 == len({page["dedup_key"] for page in found.pages})


@pytest.mark.parametrize(("number", "more"), [(40, "and 30 more"), (1000, "and 990 more")])
def test_tickets_of_many_targets_are_one_mail_and_one_chat_message_that_name_ten(
    number: int, more: str, tmp_path: Path
) -> None:
    with inboxes(tmp_path, group_wait="2s", group_interval="4s") as (client, found):
        send(client, _fleet(number))
        wait_for("mail and chat message", lambda: found.mails and found.chats)
        send(client, _fleet(number), resolved=True)
        wait_for("their ends", lambda: len(found.mails) > 1 and len(found.chats) > 1)
    first, last = found.mails
    assert first["Subject"] == last["Subject"] == "[warning] several targets: Bookings overlap on one resource"
    for mail, head in ((first, f"FIRING: {number}"), (last, f"RESOLVED: {number}")):
        text = text_of(mail)
        assert (head, 10, True) == (text.splitlines()[0], text.count("bookings of s0"), more in text)
        assert (10, True) == (text_of(mail, "html").count("bookings of s0"), more in text_of(mail, "html"))
    assert (1, 0) == (text_of(first).count(FIX), text_of(last).count(FIX))  # what all have in common is said once
    for chat in found.chats:
        text = chat["attachments"][0]["text"]
        assert (10, True) == (text.count("bookings of s0"), more in text)


@pytest.mark.parametrize("what", ["All is lost.", "a: b", "Provider: google fails.", "- one", "{}", "12", "{a: 1}"])
def test_no_alertmanager_can_take_a_page_for_a_mapping(what: str, tmp_path: Path) -> None:
    # Alertmanager 0.32 and newer read rendered details as YAML, and send what they find.
    alert = _alert(description=what)
    with inboxes(tmp_path, group_wait="100ms", group_interval="300ms") as (client, found):
        send(client, [alert])
        wait_for("the page", lambda: found.pages)
        send(client, [alert], resolved=True)
        wait_for("its end", lambda: len(found.pages) > 1)
    for page in found.pages:
        text = page["payload"]["custom_details"]["what to do"]
        assert isinstance(text, str)
        with pytest.raises(yaml.YAMLError):
            safe_load(text)


def test_odd_names_arrive_as_they_are_and_call_nobody(tmp_path: Path) -> None:
    name = f"{ODD} <!channel>"
    found = _page_chat_and_mail(tmp_path, target=name)
    assert f"[critical] {name}: Bookings overlap on one resource" == found.pages[0]["payload"]["summary"]
    assert f"[warning] {name}: Bookings overlap on one resource" == found.mails[0]["Subject"]
    assert name in found.pages[0]["payload"]["custom_details"]["what to do"]
    assert name in text_of(found.mails[0])
    html = text_of(found.mails[0], "html")
    assert "<b>" not in html
    assert "Möller &amp; Söhne" in html
    chat = found.chats[0]["attachments"][0]
    assert not set("<>") & set(chat["text"] + chat["title"] + chat["fallback"])
    assert f"[warning] {escaped(name)}: Bookings overlap on one resource" == chat["title"]
    assert f"FIRING {chat['title']}" == chat["fallback"]


def test_installations_that_differ_in_nothing_but_the_namespace_are_told_apart_in_every_message(tmp_path: Path) -> None:
    alerts = [
        ({**labels, "namespace": namespace}, annotations)
        for labels, annotations in (_alert(), _alert("BookingSyncUnlinkedBookings", severity="warning"))
        for namespace in ("production", "staging")
    ]
    with inboxes(tmp_path, group_wait="200ms", group_interval="500ms") as (client, found):
        send(client, alerts)
        wait_for("two of each", lambda: 2 == len(found.pages) == len(found.mails) == len(found.chats))
    where = {f"salon ({namespace}): Bookings overlap on one resource" for namespace in ("production", "staging")}
    assert {f"[critical] {one}" for one in where} == {page["payload"]["summary"] for page in found.pages}
    assert {f"[warning] {one}" for one in where} == {mail["Subject"] for mail in found.mails}
    assert {f"[warning] {one}" for one in where} == {chat["attachments"][0]["title"] for chat in found.chats}
    assert 2 == len({mail["References"] for mail in found.mails})


def test_what_ends_while_it_is_held_back_is_neither_called_over_nor_told_again_before_its_repetition(tmp_path: Path) -> None:
    # A limit of Alertmanager, in the documents: what was told counts as told until it repeats, whatever happens in between.
    refused, later = (_alert("BookingSyncAccessDenied", target=name, platform="wix") for name in ("salon", "b"))
    cause = _alert("BookingSyncPlatformDown", target="", platform="wix")
    clock = _alert(target="clock")
    with inboxes(tmp_path, group_wait="200ms", group_interval="400ms") as (client, found):

        def told(name: str) -> list[str]:
            return [page["event_action"] for page in found.pages if name == page["payload"]["component"]]

        def wait_for_message(name: str, number: int) -> None:
            wait_for(f"message {number} about {name}", lambda: number == len(told(name)))

        def wait_for_an_interval() -> None:
            """Wait for two messages of one group: what ended before the first has been left out by then."""
            number = len(told("clock"))
            send(client, [clock], resolved=True)
            wait_for_message("clock", number + 1)
            send(client, [clock])
            wait_for_message("clock", number + 2)

        for alert, name in ((refused, "salon"), (cause, "wix"), (clock, "clock")):
            send(client, [alert])
            wait_for_message(name, 1)
        wait_for("the silence", lambda: client.get("/api/v2/alerts?inhibited=true&active=false").json())
        send(client, [refused], resolved=True)
        wait_for_an_interval()
        send(client, [cause], resolved=True)
        wait_for_message("wix", 2)
        send(client, [refused, later])
        wait_for_message("b", 1)
        wait_for_an_interval()
        assert ["trigger"] == told("salon")


def test_alerts_that_forget_are_told_once_and_never_called_over(tmp_path: Path) -> None:
    labels, annotations = _alert("BookingSyncNoBookingsAhead", severity="warning")
    forgetful, other = ({**labels, "forgets": "yes"}, annotations), _alert("BookingSyncDataStale", severity="warning")
    with inboxes(tmp_path, group_wait="200ms", group_interval="500ms") as (client, found):
        send(client, [forgetful, other])
        wait_for("two mails", lambda: len(found.mails) > 1)
        send(client, [forgetful, other], resolved=True)
        wait_for("the end of one", lambda: len(found.mails) > 2)
        send(client, [_alert("BookingSyncDataStale", severity="warning", target="b")])
        wait_for("a later mail", lambda: len(found.mails) > 3)
    ends = [mail for mail in found.mails if text_of(mail).startswith("RESOLVED")]
    assert ["<BookingSyncDataStale.j@booking-sync>"] == [mail["References"] for mail in ends]
