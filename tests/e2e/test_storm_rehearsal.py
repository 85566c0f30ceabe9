"""What the rehearsal of storms makes of the messages that came, and the page that says it. The storms take longer."""

from __future__ import annotations

import json
import time

from tests.e2e.fast_clock import FastClock
from tests.e2e.storm_rehearsal import BEGIN, DOCUMENT, END, KEPT, still_open, table
from tests.e2e.storm_stack import Notice
from tests.monitoring.message_counts import Counts, counted

REFUSED = (("BookingSyncCredentialRefused", ""),)
DENIED = (("BookingSyncAccessDenied", "site-001"),)


def _after_forty(notice: Notice) -> bool:
    return notice.at >= 40.0


def test_a_message_about_an_open_incident_is_more_and_one_after_the_repair_is_again() -> None:
    notices = [
        Notice(5.0, "pager", "key", REFUSED),
        Notice(10.0, "pager", "key", REFUSED),
        Notice(50.0, "pager", "site", DENIED),
        Notice(60.0, "pager", "site", ()),
        Notice(70.0, "pager", "key", ()),
    ]

    assert Counts(begun=1, more=1, again=1, over=2) == counted(notices, _after_forty)


def test_the_all_clear_of_something_earlier_is_not_counted() -> None:
    assert Counts(begun=0, more=0, again=0, over=0) == counted([Notice(1.0, "pager", "exporter", ())], _after_forty)


def test_a_group_that_begins_anew_after_its_all_clear_is_another_incident() -> None:
    notices = [Notice(at, "pager", "key", alerts) for at, alerts in ((5.0, REFUSED), (10.0, ()), (15.0, REFUSED))]

    assert Counts(begun=2, more=0, again=0, over=1) == counted(notices, _after_forty)


def test_a_group_is_open_until_its_end_was_told() -> None:
    notices = [Notice(5.0, "pager", "key", REFUSED), Notice(6.0, "pager", "site", DENIED), Notice(60.0, "pager", "key", ())]

    assert {"site"} == still_open(notices)


def test_a_fast_clock_shows_the_hour_that_has_passed_since_a_minute_of_the_machine() -> None:
    started = time.time() - 60
    clock = FastClock(faster=60, started=started)

    shown, at_most = clock.time(), started + (time.time() - started) * 60

    assert started + 3_600 <= shown <= at_most
    assert 0.0 == clock.stepped()


def test_the_page_shows_what_the_rehearsal_counted() -> None:
    page = DOCUMENT.read_text()

    assert table(json.loads(KEPT.read_text())) == page.partition(BEGIN)[2].partition(END)[0].strip() + "\n"
