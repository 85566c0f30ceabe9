"""What a valid file leaves unwatched, what it accepts of it, and that this ends by itself."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter.config import Config, effective_config, load_config
from exporter.config.unwatched import ALERT_WINDOWS
from exporter.model import CollectorName
from exporter.monitoring.alerts.bookings import booking_alerts
from exporter.monitoring.options import Options
from exporter.platforms.policy import policy_of
from exporter.policy import AcceptedReason

SITE = "7f1c2d3e-1111-4222-8333-444455556666"
SCHEDULE = "0a1b2c3d-aaaa-4bbb-8ccc-ddddeeeeffff"
WIX = f"platform: wix, site_id: {SITE}, api_key: key-0123456789"
PORTAL = "platform: bitrix24, webhook_url: 'https://portal.bitrix24.example/rest/1/abcdef0123456789/'"
NOT_CHECKED = "collectors: {connections: , bookings: {platform_conflicts: false}}"
ALL_SEEN = "collectors: {connections: , bookings: {conflicts: true}}"
BERLIN = ZoneInfo("Europe/Berlin")


def config_of(folder: Path, *targets: str, now: float = 0, top: str = "") -> Config:
    path = folder / "exporter.yml"
    path.write_text(f"{top}\ntargets:\n" + "".join(f"- {{{target}}}\n" for target in targets))
    path.chmod(0o600)
    return load_config(path, {}, lambda: now)


@pytest.mark.parametrize(
    ("target", "top", "kinds"),
    [
        (f"{WIX}, {ALL_SEEN}", "", []),
        (f"{PORTAL}", "", []),
        (f"{WIX}", "", []),
        (f"{WIX}, {NOT_CHECKED}", "", ["conflicts_off"]),
        (f"{WIX}, collectors: {{connections: }}", "", []),
        (f"{WIX}, collectors: {{bookings: {{conflicts: true}}}}", "", []),
        (f"{PORTAL}, collectors: {{bookings: }}", "", []),
        (f"{PORTAL}, collectors: {{bookings: {{conflicts: false}}, links: }}", "", ["conflicts_off"]),
        (f"{PORTAL}, collectors: {{bookings: {{windows: [next_7d]}}, links: }}", "", ["window_missing"]),
        (f"{PORTAL}, collectors: {{bookings: , links: {{window: next_24h}}}}", "", ["window_missing"]),
        (f"{PORTAL}", "windows: [{name: week, from: now, to: now+7d}]", ["window_missing", "window_missing"]),
        (f"{WIX}, paused: true", "", []),
    ],
)
def test_what_the_file_alone_leaves_unwatched_is_told_by_its_kind(
    target: str, top: str, kinds: list[str], tmp_path: Path
) -> None:
    config = config_of(tmp_path, f"name: salon, {target}", top=top)
    assert kinds == [warning.kind for warning in config.unwatched]
    assert len(kinds) == len(config.gaps)
    assert all(gap.fix and gap.line for gap in config.gaps)


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (f"{WIX}, {ALL_SEEN}, resource_aliases: {{'7': Anna, {SITE}: Ben}}", "resource_aliases` names 1 resource whose id"),
        (
            f"{WIX}, collectors: {{bookings: {{conflicts: true, overlapping_resources: ['7', '8', {SITE}]}}}}",
            "overlapping_resources` names 2 resources whose ids are not those of this platform: 7, 8",
        ),
        (f"{PORTAL}, resource_aliases: {{{SITE}: Anna, '7': Ben}}", f"not one of this platform: {SITE}"),
        (f"{PORTAL}, collectors: {{links: }}, resource_aliases: {{a-b: Anna}}", "not one of this platform: a-b"),
        (f"{PORTAL}, collectors: {{bookings: {{overlapping_resources: [{SITE}, 7]}}}}", f"not one of this platform: {SITE}"),
    ],
)
def test_resources_with_ids_of_another_platform_are_told_by_the_file_alone(target: str, names: str, tmp_path: Path) -> None:
    config = config_of(tmp_path, f"name: salon, {target}")
    (warning,) = config.unwatched
    assert ("unknown_resource", "salon") == (warning.kind, warning.target)
    assert names in warning.message
    (gap,) = config.gaps
    assert "booking-sync-exporter list" in str(gap)
    accepted = "accepted: [{warning: unknown_resource, why: soon}]"
    assert () == config_of(tmp_path, f"name: salon, {target}, {accepted}").gaps


@pytest.mark.parametrize("where", ["webhook_url: 'https://PORTAL.bitrix24.example/rest/7/ABCDEFGHIJKLMNOP/'", PORTAL])
def test_one_account_under_two_names_is_told_at_the_second(where: str, tmp_path: Path) -> None:
    other = where if where == PORTAL else f"platform: bitrix24, {where}"
    config = config_of(tmp_path, f"name: first, {PORTAL}", f"name: second, {other}")
    (warning,) = config.unwatched
    assert ("same_account", "second") == (warning.kind, warning.target)
    assert "the portal portal.bitrix24.example is also watched as first" in warning.message
    assert "abcdef0123456789" not in str(config.gaps) + warning.message


def test_one_site_with_two_keys_is_one_account_and_two_portals_of_a_simulator_are_two(tmp_path: Path) -> None:
    keys = (f"name: a, {WIX}, {ALL_SEEN}", f"name: b, {WIX.replace('0123456789', 'another-one')}, {ALL_SEEN}")
    assert ["same_account"] == [warning.kind for warning in config_of(tmp_path, *keys).unwatched]
    here = [f"webhook_url: 'http://127.0.0.1:8080/rest/1/{code * 16}/'" for code in "aba"]
    names = [f"name: {name}, platform: bitrix24, {webhook}" for name, webhook in zip("xyz", here, strict=True)]
    assert ["z"] == [warning.target for warning in config_of(tmp_path, *names).unwatched]


def test_what_is_the_same_at_many_targets_is_said_once(tmp_path: Path) -> None:
    config = config_of(tmp_path, *(f"name: s{n}, {WIX.replace('7f1c', f'{n:04}')}, {NOT_CHECKED}" for n in range(40)))
    assert 40 == len(config.unwatched)
    (gap,) = config.gaps
    assert "(40 targets: s0, s1, s2, s3, s4 and 35 more)" in gap.message


def test_a_warning_that_is_accepted_is_told_again_from_the_day_after_its_last(tmp_path: Path) -> None:
    accepted = "[{warning: conflicts_off, until: 2026-12-31, why: few}]"
    target = f"name: salon, timezone: Europe/Berlin, {WIX}, {NOT_CHECKED}, accepted: {accepted}"
    midnight = datetime(2027, 1, 1, tzinfo=BERLIN).timestamp()
    assert () == config_of(tmp_path, target, now=midnight - 1).gaps
    told = [gap.message for gap in config_of(tmp_path, target, now=midnight).gaps]
    assert [
        "double bookings are not checked: conflicts is false",
        "the last day of an entry of `accepted` is over, so it is judged again: warning conflicts_off",
    ] == told


def test_days_are_those_of_the_targets_zone_and_both_ends_count(tmp_path: Path) -> None:
    days = "closed: [2026-12-24..2026-12-26, 2026-10-25], accepted: [{booking: 17, why: a couple, until: 2026-10-25}]"
    (target,) = config_of(tmp_path, f"name: salon, {WIX}, {days}", top="timezone: Europe/Berlin").targets
    policy = policy_of(target)
    for day, closed in ((23, False), (24, True), (26, True), (27, False)):
        assert closed == policy.is_closed(datetime(2026, 12, day, tzinfo=BERLIN).timestamp())
    start, end = policy.closed[1]
    assert 25 * 3600 == end - start  # the clocks go back
    assert {"17": AcceptedReason("a couple", end)} == policy.bookings


@pytest.mark.parametrize(
    ("written", "label"),
    [
        (SCHEDULE, "chair-1"),
        (SCHEDULE.upper(), "chair-1"),
        ("chair-1", "chair-1"),
        ("11111111-2222-4333-8444-555566667777", "fb41c2fb2f84"),
        ("20b29099ad18", "20b29099ad18"),
    ],
)
def test_a_connection_is_accepted_by_its_label_its_alias_or_the_id_of_its_schedule(
    written: str, label: str, tmp_path: Path
) -> None:
    text = f"name: salon, {WIX}, aliases: {{{SCHEDULE}: chair-1}}, accepted: [{{connection: '{written}', why: cut}}]"
    (target,) = config_of(tmp_path, text).targets
    assert [label] == list(policy_of(target).connections)


def test_the_effective_configuration_shows_what_is_accepted_as_it_was_written(tmp_path: Path) -> None:
    known = "closed: [2026-12-24..2026-12-26, 2026-12-31], accepted: [{booking: 17, why: a couple, until: 2026-12-31}]"
    text = effective_config(config_of(tmp_path, f"name: salon, {WIX}, paused: true, {known}"))
    for line in ('- "2026-12-24..2026-12-26"', '- "2026-12-31"', 'booking: "17"', 'until: "2026-12-31"', "paused: true"):
        assert line in text


def test_the_windows_that_are_missed_are_those_of_the_shipped_rules() -> None:
    used: dict[CollectorName, set[str]] = {CollectorName.BOOKINGS: set(), CollectorName.LINKS: set()}
    for alert in booking_alerts(Options()).alerts:
        collector = CollectorName.LINKS if "link" in alert.expr else CollectorName.BOOKINGS
        used[collector] |= set(re.findall('window="([^"]+)"', alert.expr))
    assert {name: set(windows) for name, windows in ALERT_WINDOWS.items()} == used
