"""Names of zones that mislead get a warning with a near match; no other name of IANA's gets one."""

from __future__ import annotations

import os
import re
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter.fields.zones import misleading, place_like

SIGNED = {f"Etc/GMT+{hours}" for hours in range(1, 13)} | {f"Etc/GMT-{hours}" for hours in range(1, 15)}


def offsets(name: str) -> set[timedelta | None]:
    """Return the offsets of a zone in the months of two years."""
    return {
        datetime(year, month, 1, tzinfo=UTC).astimezone(ZoneInfo(name)).utcoffset()
        for year in (2026, 2027)
        for month in range(1, 13)
    }


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Path]:
    """A machine whose zones are files in a folder, which is returned, beside those of the package."""
    zoneinfo.reset_tzpath(to=[str(tmp_path / "zoneinfo")])
    ZoneInfo.clear_cache()
    yield tmp_path / "zoneinfo"
    zoneinfo.reset_tzpath()
    ZoneInfo.clear_cache()


def test_of_all_the_names_that_iana_knows_only_those_with_a_reversed_sign_without_summer_and_the_unset_zone_mislead() -> None:
    names = zoneinfo.available_timezones() - {"localtime", "posixrules"}  # files of the machine
    assert len(names) > 500
    assert SIGNED | {"Factory", "EST", "MST"} == {name for name in names if misleading(name) is not None}


@pytest.mark.parametrize(
    "name", ["UTC", "GMT", "Etc/GMT", "Etc/GMT0", "Etc/GMT+0", "Etc/GMT-0", "GMT+0", "GMT-0", "CET", "EST5EDT"]
)
def test_a_name_that_says_what_it_means_is_left_alone(name: str) -> None:
    assert misleading(name) is None


@pytest.mark.parametrize("name", sorted(SIGNED))
def test_a_reversed_sign_is_told_with_the_true_offset_and_places_that_have_either(name: str) -> None:
    odd = misleading(name)
    assert odd is not None
    message, fix = odd
    (told,) = re.findall(rf"{re.escape(name)} is UTC([+-]\d+): the sign in its name is reversed", message)
    assert {timedelta(hours=int(told))} == offsets(name)
    assert -int(told) == int(name.removeprefix("Etc/GMT"))
    places = {int(hours): place for place, hours in re.findall(r"(\S+) for UTC([+-]\d+)", fix)}
    assert {int(told), -int(told)} & set(range(-11, 15)) == set(places)
    for hours, place in places.items():
        assert {timedelta(hours=hours)} == offsets(place)
        assert misleading(place) is None


@pytest.mark.parametrize(
    ("name", "message", "fix"),
    [
        (
            "right/Europe/Berlin",
            "right/Europe/Berlin counts leap seconds, which clocks do not: its days begin",
            "write Europe/Berlin",
        ),
        ("posix/Asia/Tokyo", "posix/Asia/Tokyo is Asia/Tokyo on this machine and unknown on others", "write Asia/Tokyo"),
        ("right/Etc/GMT+3", "Etc/GMT+3 is UTC-3", "write Europe/Moscow for UTC+3, America/Sao_Paulo for UTC-3, or the zone"),
        (
            "posix/Factory",
            "Factory means that nobody has set the zone yet, and is UTC",
            "write UTC, or the zone of the business",
        ),
        ("Factory", "Factory means that nobody has set the zone yet, and is UTC", "write UTC, or the zone of the business"),
    ],
)
def test_a_zone_that_is_no_place_has_a_near_match(name: str, message: str, fix: str) -> None:
    odd = misleading(name)
    assert odd is not None
    assert odd[0].startswith(message)
    assert odd[1].startswith(fix)


@pytest.mark.parametrize("name", ["localtime", "posixrules"])
def test_the_zone_of_the_machine_is_told_by_the_name_that_its_link_leads_to(machine: Path, name: str) -> None:
    home = machine / "Europe" / "Berlin"
    home.parent.mkdir(parents=True)
    home.write_bytes(b"TZif2")
    clock = machine.parent / "localtime"
    clock.symlink_to(home)
    (machine / name).symlink_to(os.path.relpath(clock, machine))
    assert (f"{name} is another zone on each machine", "write Europe/Berlin") == misleading(name)


@pytest.mark.parametrize("name", ["localtime", "posixrules"])
def test_the_zone_of_a_machine_that_has_a_copy_and_no_link_is_asked_for(machine: Path, name: str) -> None:
    machine.mkdir()
    (machine / name).write_bytes(b"TZif2")
    odd = misleading(name)
    assert odd is not None
    assert "write the zone of the business, such as Europe/Berlin" == odd[1]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("europe/moscow", "Europe/Moscow"),
        ("Berlin", "Europe/Berlin"),
        ("moskow", "Europe/Moscow"),
        ("Europe/Berln", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("MSK", "Europe/Moscow"),
        ("UTC+3", None),
        ("GMT+3", None),
        ("Europe", None),
        ("../etc/passwd", None),
        ("", None),
        ("Europe/Berlin" * 1000, None),
    ],
)
def test_a_name_that_is_no_zone_is_met_with_the_place_that_may_be_meant(name: str, meant: str | None) -> None:
    assert meant == place_like(name)
