from __future__ import annotations

from exporter.model import CalendarType, ConnectionStatus
from exporter.platforms.wix.answers import short_hash
from exporter.platforms.wix.connection_rows import ConnectionRow
from exporter.platforms.wix.naming import ConnectionNames
from exporter.platforms.wix.providers import _labels

GOOGLE_ID = "6c533722-f1f9-4847-95c7-d4c4922ae9b0"
OTHER_ID = "0f0e0d0c-0000-4000-8000-000000000000"


def row(key: str, schedule: str = "s1") -> ConnectionRow:
    return ConnectionRow(
        f"id of {key}",
        key,
        GOOGLE_ID,
        schedule,
        CalendarType.GOOGLE,
        ConnectionStatus.SYNCED,
        None,
        import_enabled=True,
        export_enabled=True,
    )


def test_a_hash_is_the_first_12_hex_digits_of_sha_256() -> None:
    assert "ba7816bf8f01" == short_hash("abc")


def test_a_hash_of_half_a_character_is_a_hash_too() -> None:
    assert 12 == len(short_hash("\ud800"))


def test_without_an_alias_a_connection_is_called_by_its_hash() -> None:
    assert {"a": "a"} == ConnectionNames({}).name_all([row("a")])


def test_aliases_are_found_whatever_the_letter_case_of_the_schedule() -> None:
    assert {"a": "Chair"} == ConnectionNames({"S1": "Chair"}).name_all([row("a")])


def test_a_restart_names_two_connections_of_one_schedule_the_same_way_whatever_their_order() -> None:
    expected = {"a": "Chair", "b": "Chair b"}
    assert expected == ConnectionNames({"s1": "Chair"}).name_all([row("a"), row("b")])
    assert expected == ConnectionNames({"s1": "Chair"}).name_all([row("b"), row("a")])


def test_who_came_first_keeps_the_alias() -> None:
    names = ConnectionNames({"s1": "Chair"})
    names.name_all([row("b")])
    assert {"a": "Chair a", "b": "Chair"} == names.name_all([row("a"), row("b")])


def test_one_alias_for_two_schedules_still_gives_two_names() -> None:
    names = ConnectionNames({"s1": "Chair", "s2": "Chair"})
    assert {"a": "Chair", "b": "Chair b"} == names.name_all([row("a", "s1"), row("b", "s2")])


def test_a_schedule_is_shown_by_alias_or_hash_and_never_by_its_id() -> None:
    names = ConnectionNames({"s1": "Chair"})
    assert [names.schedule(text) for text in ("s1", "S1", "s2", "")] == ["Chair", "Chair", short_hash("s2"), "unknown"]


def test_built_in_providers_are_called_by_their_type_and_others_by_type_and_short_id() -> None:
    labels = _labels({"x" * 9: CalendarType.APPLE, OTHER_ID: CalendarType.OTHER, "odd": CalendarType.UNKNOWN})
    assert labels == {"x" * 9: "apple", OTHER_ID: "other-0f0e0d0c", "odd": f"unknown-{short_hash('odd')[:8]}"}


def test_of_two_providers_of_one_built_in_type_the_well_known_one_keeps_the_plain_name() -> None:
    labels = _labels({GOOGLE_ID: CalendarType.GOOGLE, OTHER_ID: CalendarType.GOOGLE})
    assert labels == {GOOGLE_ID: "google", OTHER_ID: "google-0f0e0d0c"}
