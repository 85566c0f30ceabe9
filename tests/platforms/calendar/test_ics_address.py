"""The address of a feed as people write it: what passes, what is refused and why, and that it is a secret as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from exporter.platforms.calendar.ics_address import FeedAddress
from exporter.support.extras import reads_feeds
from exporter.support.secret import Secret

ADDRESS: TypeAdapter[Secret] = TypeAdapter(FeedAddress)
GOOGLE = "https://calendar.google.com/calendar/ical/anna%40example.org/private-0123456789abcdef/basic.ics"


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        (GOOGLE, GOOGLE),
        (f"  {GOOGLE[:40]}\n{GOOGLE[40:]}\n", GOOGLE),
        (GOOGLE.replace("https", "webcal"), GOOGLE),
        (GOOGLE.replace("https", "WEBCAL"), GOOGLE),
        (GOOGLE.replace("https", "webcals"), GOOGLE),
        (
            "https://cloud.example/remote.php/dav/public-calendars/abc?export",
            "https://cloud.example/remote.php/dav/public-calendars/abc?export",
        ),
        ("https://kalender.müller.example/a.ics", "https://kalender.xn--mller-kva.example/a.ics"),
        ("http://127.0.0.1:8080/a.ics", "http://127.0.0.1:8080/a.ics"),
    ],
)
def test_an_address_is_asked_as_it_is_meant(written: str, asked: str) -> None:
    assert asked == ADDRESS.validate_python(written).reveal()


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("http://calendar.example/planted/a.ics", "uses http to another machine, so the credential would be sent unencrypted"),
        ("https://anna:planted@calendar.example/a.ics", "holds a user name or password"),
        ("https://calendar.example/#planted", "has a # part"),
        ("https://calendar.example/", "has no path, so it is not the address of a feed"),
        ("planted", "is not a URL"),
        ("ftp://calendar.example/planted", "is not a URL"),
        ("https://calendar.example/plänted.ics", "holds LATIN SMALL LETTER A WITH DIAERESIS outside of the host name"),
    ],
)
def test_what_is_no_address_of_a_feed_says_why_and_is_not_shown(written: str, message: str) -> None:
    with pytest.raises(ValidationError) as info:
        ADDRESS.validate_python(written)
    problems = "\n".join(str(error["msg"]) for error in info.value.errors(include_input=False, include_url=False))
    assert message in problems
    assert "planted" not in problems


def test_it_may_stand_in_a_file_and_shows_only_from_where_and_its_host(tmp_path: Path) -> None:
    (tmp_path / "ben_ics").write_text(GOOGLE + "\n")
    address = ADDRESS.validate_python({"file": str(tmp_path / "ben_ics")})

    assert (GOOGLE, "********") == (address.reveal(), str(address))
    assert f"file: {tmp_path / 'ben_ics'} https://calendar.google.com" == address.identity


def test_here_the_reads_feeds() -> None:
    assert reads_feeds()
