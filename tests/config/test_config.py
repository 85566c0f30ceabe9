"""What a right configuration becomes: defaults, secrets, equality, the effective view, the hash, warnings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import ValidationError

from exporter.config import Config, config_hash, effective_config, load_config
from exporter.counting import Heartbeat
from exporter.counting.windows import WindowSpec
from exporter.errors import ConfigError
from exporter.model import CollectorName
from exporter.platforms.bitrix24.settings import BitrixBookings, BitrixTarget
from exporter.platforms.wix.settings import WixEvents, WixTarget

KEY = "IST.planted-key-0123456789"
CODE = "planted0123456789"
WEBHOOK = f"https://portal.example/rest/1/{CODE}/"
SITE = "7f1c2d3e-1111-4222-8333-444455556666"
ENVIRONMENT = {"WIX_API_KEY": KEY, "B24_WEBHOOK_URL": WEBHOOK}
EXAMPLE = Path(__file__).parents[2] / "config" / "exporter.yml"

DESIGN = """
timezone: Europe/Berlin
windows:
  - {name: last_24h, from: now-24h,  to: now}
  - {name: today,    from: now/d,    to: now+1d/d}
  - {name: next_24h, from: now,      to: now+24h}
  - {name: next_7d,  from: now,      to: now+7d}
targets:
  - name: salon-wix
    platform: wix
    site_id: 7f1c...
    api_key: {file: wix_api_key}
    schedule_ids: []
    aliases: {"<schedule id>": "Chair 1"}
    labels: {site: salon-berlin}
    collectors:
      connections: {interval: 60s}
      bookings: {interval: 5m, statuses: [CONFIRMED, PENDING]}
  - name: salon-b24
    platform: bitrix24
    webhook_url: {env: B24_WEBHOOK_URL}
    collectors:
      bookings: {interval: 5m, count: start, conflicts: true, per_resource: false}
      links: {interval: 15m, window: next_7d}
    budget: {requests_per_second: 1.0, operating_seconds: 240}
"""


def load(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Config:
    file = tmp_path / "exporter.yml"
    file.write_text(text)
    return load_config(file, ENVIRONMENT if environ is None else environ)


def wix(tmp_path: Path, extra: str = "", top: str = "") -> WixTarget:
    lines = "".join(f"    {line}\n" for line in extra.strip("\n").splitlines())
    text = f"{top}\ntargets:\n  - name: salon\n    platform: wix\n    site_id: {SITE}\n    api_key: {KEY}\n{lines}"
    target = load(tmp_path, text).targets[0]
    assert isinstance(target, WixTarget)
    return target


def bitrix24(tmp_path: Path, extra: str = "", top: str = "", webhook: str = "{env: B24_WEBHOOK_URL}") -> BitrixTarget:
    lines = "".join(f"    {line}\n" for line in extra.strip("\n").splitlines())
    target = load(
        tmp_path, f"{top}\ntargets:\n  - name: salon\n    platform: bitrix24\n    webhook_url: {webhook}\n{lines}"
    ).targets[0]
    assert isinstance(target, BitrixTarget)
    return target


@pytest.mark.slow
def test_the_example_of_the_design_becomes_settings(tmp_path: Path) -> None:
    (tmp_path / "wix_api_key").write_text(f"{KEY}\n")
    config = load(tmp_path, DESIGN)
    first, second = config.targets
    assert isinstance(first, WixTarget)
    assert isinstance(second, BitrixTarget)
    assert ZoneInfo("Europe/Berlin") == config.timezone == first.timezone
    assert WindowSpec("today", "now/d", "now+1d/d") == config.windows[1]
    assert first.api_key is not None
    assert first.api_key.reveal() == KEY
    assert {"<schedule id>": "Chair 1"} == first.aliases
    assert {"site": "salon-berlin"} == first.labels
    assert second.webhook_url is not None
    assert second.webhook_url.reveal() == WEBHOOK
    assert second.collectors.links is not None
    assert (900.0, 2700.0, ("next_7d",)) == (
        second.collectors.links.interval,
        second.collectors.links.max_age_seconds,
        tuple(window.name for window in second.collectors.links.windows),
    )
    assert second.collectors.bookings is not None
    assert config.windows == second.collectors.bookings.windows
    assert (1.0, 10, 240.0) == (second.budget.requests_per_second, second.budget.burst, second.budget.operating_seconds)


def test_the_shipped_example_loads_without_a_warning_where_the_folder_of_a_service_is() -> None:
    config = load_config(EXAMPLE, ENVIRONMENT)
    assert ("salon-wix", "salon-bitrix24") == tuple(target.name for target in config.targets)
    elsewhere = ["the folder /var/lib/booking-sync-exporter does not exist"]
    there = Path("/var/lib/booking-sync-exporter").is_dir()
    assert ([] if there else elsewhere) == [warning.message for warning in config.warnings]


def test_a_bare_wix_target_has_every_default(tmp_path: Path) -> None:
    target = wix(tmp_path)
    collectors = target.running()
    assert (30.0, None, ZoneInfo("UTC")) == (target.timeout, target.base_url, target.timezone)
    assert {CollectorName.CONNECTIONS: (60.0, 300.0), CollectorName.BOOKINGS: (300.0, 900.0)} == {
        name: (settings.interval, settings.max_age_seconds) for name, settings in collectors.items()
    }
    assert target.collectors.bookings is not None
    assert ("CONFIRMED", "PENDING") == target.collectors.bookings.statuses
    assert not target.collectors.bookings.conflicts
    assert "/_api/bookings-reader" == target.collectors.bookings.reader_prefix
    assert ["last_24h", "today", "next_24h", "next_7d"] == [window.name for window in target.collectors.bookings.windows]


def test_a_bare_bitrix24_target_has_every_default(tmp_path: Path) -> None:
    target = bitrix24(tmp_path)
    collectors = target.running()
    assert 70.0 == target.timeout
    assert {CollectorName.BOOKINGS: (300.0, 900.0), CollectorName.LINKS: (900.0, 2700.0)} == {
        name: (settings.interval, settings.max_age_seconds) for name, settings in collectors.items()
    }
    assert ["next_7d"] == [window.name for window in collectors[CollectorName.LINKS].windows]
    bookings = collectors[CollectorName.BOOKINGS]
    assert isinstance(bookings, BitrixBookings)
    assert ("start", True, False, 500) == (bookings.count, bookings.conflicts, bookings.per_resource, bookings.max_resources)
    assert 200_000 == bookings.max_bookings


def test_only_the_collectors_that_are_named_run(tmp_path: Path) -> None:
    assert {CollectorName.CONNECTIONS} == wix(tmp_path, "collectors:\n  connections:").running().keys()
    assert {CollectorName.LINKS} == bitrix24(tmp_path, "collectors: {links: {}}").running().keys()
    assert {CollectorName.BOOKINGS, CollectorName.LINKS} == bitrix24(tmp_path, "collectors:").running().keys()


@pytest.mark.parametrize("written", ["", "collectors:", "collectors: {connections: , bookings: }"])
def test_private_events_are_not_looked_at_unless_they_are_named(tmp_path: Path, written: str) -> None:
    assert {CollectorName.CONNECTIONS, CollectorName.BOOKINGS} == wix(tmp_path, written).running().keys()


def test_one_line_switches_private_events_on_with_every_default(tmp_path: Path) -> None:
    events = wix(tmp_path, "collectors: {events: }").running()[CollectorName.EVENTS]
    assert isinstance(events, WixEvents)
    assert (600.0, 1_800.0, False, 10_000, ()) == (
        events.interval,
        events.max_age_seconds,
        events.all_day,
        events.max_events,
        events.windows,
    )


def test_a_heartbeat_is_named_by_its_schedule_and_the_time_of_its_minute(tmp_path: Path) -> None:
    rows = "[{schedule: Anna, at: '03:07'}, {schedule: Ben, at: '23:50', late_after: 3h}]"
    names = "aliases: {7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10: Anna, 8f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10: Ben}"
    written = f"{names}\ncollectors: {{connections: , events: {{heartbeats: {rows}}}}}"
    events = wix(tmp_path, written).running()[CollectorName.EVENTS]
    assert isinstance(events, WixEvents)
    assert [Heartbeat(187), Heartbeat(1430, 10_800.0)] == [one.heartbeat for one in events.heartbeats]


def test_heartbeats_without_the_connections_are_a_warning(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "targets:\n"
        "  - name: a\n"
        "    platform: wix\n"
        "    site_id: 7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10\n"
        "    api_key: '0123456789abcdef'\n"
        "    collectors:\n"
        "      bookings:\n"
        "      events: {heartbeats: [{schedule: 8f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10, at: '03:07'}]}\n",
    )
    assert [(8, "targets[0].collectors.events.heartbeats", "name connections as well")] == [
        (warning.line, warning.path, warning.fix) for warning in config.warnings if "heartbeats" in warning.path
    ]


def test_a_heartbeat_of_a_name_that_stands_nowhere_is_a_warning(tmp_path: Path) -> None:
    key = "site_id: 7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10, api_key: '0123456789abcdef'"
    events = "{connections: , bookings: , events: {heartbeats: [{schedule: Anna, at: '03:07'}]}}"
    config = load(tmp_path, f"targets:\n  - {{name: a, platform: wix, {key}, collectors: {events}}}\n")
    assert [("there is no schedule 'Anna' under aliases", "use the id of a schedule, or a name that stands under aliases")] == [
        (warning.message, warning.fix) for warning in config.warnings if "heartbeats" in warning.path
    ]


def test_defaults_of_private_events_switch_nothing_on(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yml"
    keys = "site_id: 7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10, api_key: '0123456789abcdef'"
    file.write_text(
        "defaults: {wix: {collectors: {events: {all_day: true}}}}\n"
        f"targets:\n  - {{name: a, platform: wix, {keys}}}\n"
        f"  - {{name: b, platform: wix, {keys.replace('7f1c', '7f1d')}, collectors: {{events: }}}}\n"
    )
    plain, named = load_config(file).targets
    assert CollectorName.EVENTS not in plain.running()
    assert isinstance(events := named.running()[CollectorName.EVENTS], WixEvents)
    assert events.all_day


@pytest.mark.parametrize(
    ("settings", "max_age"),
    [("interval: 10s", 300.0), ("interval: 10m", 1800.0), ("interval: 10m, max_age: 5s", 5.0), ("max_age: 500ms", 0.5)],
)
def test_max_age_is_three_intervals_and_five_minutes_unless_it_is_given(tmp_path: Path, settings: str, max_age: float) -> None:
    target = wix(tmp_path, f"collectors: {{connections: {{{settings}}}}}")
    assert target.collectors.connections is not None
    assert max_age == target.collectors.connections.max_age_seconds


def test_a_collector_chooses_windows_by_name_or_brings_its_own(tmp_path: Path) -> None:
    target = wix(tmp_path, "collectors: {bookings: {windows: [today, {name: soon, from: now, to: now+1h}]}}")
    assert target.collectors.bookings is not None
    assert (WindowSpec("today", "now/d", "now+1d/d"), WindowSpec("soon", "now", "now+1h")) == target.collectors.bookings.windows


def test_links_look_at_all_windows_when_there_is_no_next_7d(tmp_path: Path) -> None:
    target = bitrix24(tmp_path, top="windows: [{name: a, from: now, to: now+1h}, {name: b, from: now, to: now+2h}]")
    assert target.collectors.links is not None
    assert ["a", "b"] == [window.name for window in target.collectors.links.windows]


def test_links_take_windows_of_their_own(tmp_path: Path) -> None:
    target = bitrix24(tmp_path, "collectors: {links: {windows: [today, next_24h]}}")
    assert target.collectors.links is not None
    assert ["today", "next_24h"] == [window.name for window in target.collectors.links.windows]


def test_a_target_may_have_its_own_time_zone(tmp_path: Path) -> None:
    assert ZoneInfo("Asia/Tokyo") == wix(tmp_path, "timezone: Asia/Tokyo", top="timezone: Europe/Berlin").timezone


def test_resource_ids_are_text_inside(tmp_path: Path) -> None:
    target = bitrix24(tmp_path, "collectors: {bookings: {overlapping_resources: [12, '13', 12]}}")
    assert target.collectors.bookings is not None
    assert frozenset({"12", "13"}) == target.collectors.bookings.overlapping_resources


@pytest.mark.parametrize(
    "webhook",
    [
        f"https://portal.example/rest/1/{CODE}/",
        f"https://portal.example/rest/1/{CODE}",
        f"  https://Portal.Example/rest/1/{CODE}/  ",
        f"https://portal.\n      example/rest/1/{CODE}/",
    ],
)
def test_a_webhook_address_ends_with_one_slash(tmp_path: Path, webhook: str) -> None:
    target = bitrix24(tmp_path, webhook=f"'{webhook}'" if "\n" not in webhook else f">-\n      {webhook}")
    assert target.webhook_url is not None
    assert target.webhook_url.reveal() == WEBHOOK


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8081", "http://localhost:8081/", "http://[::1]:8081", "https://Proxy.Example"]
)
def test_base_url_is_an_origin_and_http_stays_on_this_machine(tmp_path: Path, origin: str) -> None:
    assert origin.lower().rstrip("/") == bitrix24(tmp_path, f"base_url: '{origin}'").base_url


def test_a_pasted_key_with_line_breaks_is_mended(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\ufeffIST.abc\r\n def\n")
    text = f"targets: [{{name: a, platform: wix, site_id: {SITE}, api_key: {{file: key}}}}]"
    target = load(tmp_path, text).targets[0]
    assert isinstance(target, WixTarget)
    assert target.api_key is not None
    assert "IST.abcdef" == target.api_key.reveal()


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "secret").write_text("planted-client-secret")
    file = tmp_path / "inner" / "exporter.yml"
    file.write_text(
        "state_file: state.json\ntargets: [{name: a, platform: bitrix24, oauth: {client_id: local.1, "
        "client_secret: {file: ../secret}, token_file: tokens.json}}]"
    )
    monkeypatch.chdir(tmp_path)
    config = load_config(Path("inner/exporter.yml"), {})
    target = config.targets[0]
    assert isinstance(target, BitrixTarget)
    assert target.oauth is not None
    assert tmp_path / "inner" / "state.json" == config.state_file
    assert tmp_path / "inner" / "tokens.json" == target.oauth.token_file
    assert "planted-client-secret" == target.oauth.client_secret.reveal()
    assert {tmp_path / "inner" / "exporter.yml", tmp_path / "secret"} == {file.resolve() for file in config.files}


def test_anchors_and_merge_keys_save_typing(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        f"""
targets:
  - &salon
    name: a
    platform: wix
    site_id: {SITE}
    api_key: {{env: WIX_API_KEY}}
    timeout: 10s
  - <<: *salon
    name: b
    timeout: 20s
""",
    )
    assert [("a", 10.0), ("b", 20.0)] == [(target.name, target.timeout) for target in config.targets]


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    target = wix(tmp_path)
    with pytest.raises(ValidationError, match="frozen"):
        target.name = "other"


# Equality, hash, effective view.


def test_a_changed_secret_file_is_a_changed_configuration(tmp_path: Path) -> None:
    (tmp_path / "wix_api_key").write_text(KEY)
    before = load(tmp_path, DESIGN)
    assert load(tmp_path, DESIGN) == before
    assert config_hash(load(tmp_path, DESIGN)) == config_hash(before)
    (tmp_path / "wix_api_key").write_text(KEY + "x")
    after = load(tmp_path, DESIGN)
    assert after != before
    assert after.targets[0] != before.targets[0]
    assert after.targets[1] == before.targets[1]
    assert config_hash(after) == config_hash(before), "whoever reads the number could try guesses"


def test_the_hash_is_short_stable_and_ignores_comments(tmp_path: Path) -> None:
    (tmp_path / "wix_api_key").write_text(KEY)
    found = config_hash(load(tmp_path, DESIGN))
    assert 12 == len(found)
    assert int(found, 16) < 2**53
    assert found == config_hash(load(tmp_path, "# a comment\n" + DESIGN))
    assert found != config_hash(load(tmp_path, DESIGN.replace("15m", "16m")))


def test_the_effective_configuration_has_every_default_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "wix_api_key").write_text(KEY)
    shown = effective_config(load(tmp_path, DESIGN))
    assert KEY not in shown
    assert CODE not in shown
    assert "portal.example" not in shown
    first, second = yaml.safe_load(shown)["targets"]
    assert {"file": "wix_api_key"} == first["api_key"]
    assert {"env": "B24_WEBHOOK_URL"} == second["webhook_url"]
    assert ("30s", "1m10s") == (first["timeout"], second["timeout"])
    connections = {"interval": "1m", "max_age": "5m", "max_connections": 500, "windows": []}
    connections |= {"probe": True, "staff": True, "check_interval": "1h"}
    assert connections == first["collectors"]["connections"]
    assert [{"name": "next_7d", "from": "now", "to": "now+7d"}] == second["collectors"]["links"]["windows"]
    assert {"requests_per_second": 1.0, "burst": 10, "operating_seconds": 240.0} == second["budget"]


def test_credentials_show_nowhere(tmp_path: Path) -> None:
    text = f"""
targets:
  - {{name: a, platform: wix, site_id: {SITE}, api_key: {KEY}}}
  - {{name: b, platform: bitrix24, webhook_url: "{WEBHOOK}"}}
  - name: c
    platform: wix
    app_id: {SITE}
    app_secret: planted-app-secret
    instance_id: {SITE}
  - name: d
    platform: bitrix24
    oauth: {{client_id: local.1, client_secret: planted-client-secret, token_file: tokens.json}}
"""
    config = load(tmp_path, text)
    with pytest.raises(ValidationError) as caught:
        WixTarget.model_validate(
            {"name": "a", "platform": "wix", "api_key": KEY, "app_secret": "planted-app-secret", "timeout": []}
        )
    everything = [repr(config), str(config), effective_config(config), config_hash(config), *map(str, config.warnings)]
    everything += [repr(target) for target in config.targets] + [str(caught.value), repr(caught.value)]
    assert "planted" not in "\n".join(everything)


@pytest.mark.parametrize(
    "value", ["yes", "No", "12", "a: b", "# x", "", "ü", "\u2028", "\U0001f4c5", "'", '"\\', "- a", "null", "1e3", "now"]
)
def test_the_effective_configuration_reads_back_as_it_was(tmp_path: Path, value: str) -> None:
    target = wix(tmp_path)
    config = Config(
        timezone=target.timezone,
        windows=(WindowSpec("a", "now", "now+1d/d"),),
        targets=(target.model_copy(update={"name": value, "labels": {"x": value}, "schedule_ids": (value,)}),),
    )
    (shown,) = yaml.safe_load(effective_config(config))["targets"]
    assert (value, {"x": value}, [value], {}) == (shown["name"], shown["labels"], shown["schedule_ids"], shown["aliases"])
    assert {"name": "last_24h", "from": "now-24h", "to": "now"} == shown["collectors"]["bookings"]["windows"][0]


@pytest.mark.parametrize("read", [wix, bitrix24])
def test_resources_have_aliases_on_both_platforms_and_none_is_required(
    tmp_path: Path, read: Callable[[Path, str], WixTarget | BitrixTarget]
) -> None:
    assert {"12": "Chair 1", "a-b": "Room 2"} == read(
        tmp_path, 'resource_aliases: {"12": Chair 1, a-b: Room 2}'
    ).resource_aliases
    assert {} == read(tmp_path, "").resource_aliases


@pytest.mark.parametrize("alias", ["two\\nlines", "x" * 101, ""])
@pytest.mark.parametrize("read", [wix, bitrix24])
def test_an_alias_of_a_resource_is_one_plain_line_like_any_other_name(
    tmp_path: Path, alias: str, read: Callable[[Path, str], WixTarget | BitrixTarget]
) -> None:
    with pytest.raises(ConfigError, match="one line of 1 to 100 characters") as caught:
        read(tmp_path, f'resource_aliases: {{"7": "{alias}"}}')
    assert ["targets[0].resource_aliases.7"] == [problem.path for problem in caught.value.problems]


# Warnings.

SLOTS = f"slots: {{services: [{{name: Haircut, id: {SITE}}}]}}"


@pytest.mark.parametrize(
    ("extra", "path", "message"),
    [
        ("collectors: {connections: {interval: 5s}}", "collectors.connections.interval", "5s is short"),
        ("collectors: {connections: {interval: 60s, max_age: 60s}}", "collectors.connections.max_age", "data vanishes"),
        ("timeout: 10m\ncollectors: {connections: {}}", "timeout", "one request may last longer than max_age (5m)"),
        ("labels: {job: x}", "labels.job", "renames this one to exported_job"),
        ("schedule_ids: [12ab]", "schedule_ids[0]", "does not look like the GUID"),
        ("aliases: {12ab: Chair 1}", "aliases.12ab", "does not look like the GUID"),
        (f"schedule_ids: [{SITE}]\naliases: {{{SITE[:-1]}7: x}}", f"aliases.{SITE[:-1]}7", "leaves out"),
        ("collectors: {connections: {windows: [today]}}", "collectors.connections.windows", "has no effect"),
        (
            "collectors: {connections: {interval: 2m, check_interval: 1m}}",
            "collectors.connections.check_interval",
            "of 1m is shorter than interval",
        ),
        (
            "collectors: {connections: {probe: false, staff: false, check_interval: 1h}}",
            "collectors.connections.check_interval",
            "has no effect: probe and staff are both false",
        ),
        (
            f'collectors: {{connections: {{}}, events: {{heartbeats: [{{schedule: {SITE}, at: "03:37", late_after: 3h}}]}}}}',
            "collectors.events.heartbeats[0].at",
            "go past the full hour",
        ),
        *(
            (f"collectors: {{{chosen}}}", "collectors", f"only {told}: neither the connections nor the bookings are watched")
            for chosen, told in (
                ("events: {}", "events runs"),
                (SLOTS, "slots runs"),
                (f"events: {{}}, {SLOTS}", "events and slots run"),
            )
        ),
        *(
            (f"collectors: {{connections: {{{own}}}, {more}}}", f"collectors.{path}", f"of {long} is longer than a day")
            for own, more, path, long in (
                ("check_interval: 2w", "bookings: {}", "connections.check_interval", "2w"),
                ("", "events: {interval: 2d}", "events.interval", "2d"),
                ("", f"{SLOTS[:-1]}, interval: 1d1s}}", "slots.interval", "1d1s"),
            )
        ),
        *(
            (
                f'collectors: {{connections: {{}}, events: {{heartbeats: [{{schedule: {SITE}, at: "{at}"}}]}}}}',
                "collectors.events.heartbeats[0].at",
                "is not at night",
            )
            for at in ("06:00", "12:00", "22:59")
        ),
    ],
)
def test_what_is_allowed_and_probably_not_meant_is_a_warning(tmp_path: Path, extra: str, path: str, message: str) -> None:
    lines = "".join(f"    {line}\n" for line in extra.splitlines())
    config = load(tmp_path, f"targets:\n  - name: salon\n    platform: wix\n    site_id: {SITE}\n    api_key: {KEY}\n{lines}")
    assert [f"targets[0].{path}"] == [warning.path for warning in config.warnings]
    assert message in config.warnings[0].message
    assert config.warnings[0].fix
    assert config.warnings[0].line is not None


@pytest.mark.parametrize(
    "collectors",
    [
        "connections: {interval: 2h, max_age: 8h}",
        "connections: {interval: 5m, check_interval: 5m}",
        "connections: {probe: false, staff: false}",
        "connections: {probe: false, check_interval: 2h}",
        f'connections: {{}}, events: {{heartbeats: [{{schedule: {SITE}, at: "03:36", late_after: 3h}}]}}',
        *(
            f'connections: {{}}, events: {{heartbeats: [{{schedule: {SITE}, at: "{at}"}}]}}'
            for at in ("23:00", "03:59", "05:59")
        ),
        f"connections: {{check_interval: 1d}}, events: {{interval: 1d}}, {SLOTS[:-1]}, interval: 1d}}",
        f"connections: {{}}, {SLOTS}",
        f"bookings: {{}}, events: {{}}, {SLOTS}",
    ],
)
def test_what_may_be_meant_is_no_warning(tmp_path: Path, collectors: str) -> None:
    target = f"{{name: salon, platform: wix, site_id: {SITE}, api_key: {KEY}, collectors: {{{collectors}}}}}"
    warnings = load(tmp_path, f"targets: [{target}]").warnings
    assert [] == [warning for warning in warnings if warning.path.startswith("targets")]


EVENTS_BY_DEFAULT = "defaults: {wix: {collectors: {bookings: {conflicts: true}, events: {}}}}\n"
NAMED = "collectors: {connections: {}, bookings: {}, events: {}}"


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        (f"targets: [{{name: a, platform: wix, site_id: {SITE}, api_key: {KEY}}}]", ["defaults.wix.collectors.events"]),
        (f"targets: [{{name: a, platform: wix, site_id: {SITE}, api_key: {KEY}, {NAMED}}}]", []),
        (f"discover: [{{name: a, platform: wix, account_id: {SITE}, api_key: {KEY}, target: {{{NAMED}}}}}]", []),
    ],
)
def test_a_default_of_a_collector_that_no_target_runs_is_a_warning(tmp_path: Path, rest: str, found: list[str]) -> None:
    warnings = load(tmp_path, EVENTS_BY_DEFAULT + rest).warnings
    assert found == [warning.path for warning in warnings if warning.path.startswith("defaults")]


def test_odd_ids_missing_files_and_folders_are_warnings(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "state_file: nowhere/state.json\ntargets:\n"
        f"  - {{name: a, platform: wix, site_id: 7f1c..., api_key: {KEY}}}\n"
        "  - {name: b, platform: bitrix24, oauth: {client_id: x, client_secret: planted, token_file: t.json}}\n",
    )
    assert ["state_file", "targets[0].site_id", "targets[1].oauth.token_file"] == [warning.path for warning in config.warnings]
    assert [1, 3, 4] == [warning.line for warning in config.warnings]


@pytest.mark.parametrize("name", ["exporter.yml", "./exporter.yml", "linked.yml", "wix_api_key", "below/../wix_api_key"])
def test_a_state_file_that_is_read_for_the_configuration_is_refused(tmp_path: Path, name: str) -> None:
    """The exporter replaces its state file, whatever stands in it."""
    (tmp_path / "below").mkdir()
    (tmp_path / "linked.yml").symlink_to("exporter.yml")
    (tmp_path / "wix_api_key").write_text(KEY)
    path = tmp_path / "exporter.yml"
    target = f"{{name: a, platform: wix, site_id: {SITE}, api_key: {{file: wix_api_key}}}}"
    path.write_text(f"state_file: {name}\ntargets: [{target}]\n")
    with pytest.raises(ConfigError) as refused:
        load_config(path, {})
    assert ["state_file"] == [problem.path for problem in refused.value.problems]
    assert "would overwrite it" in str(refused.value)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("name", ["exporter.yml", "./exporter.yml", "b24_secret"])
def test_a_token_file_that_is_read_for_the_configuration_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "b24_secret").write_text("planted")
    path = tmp_path / "exporter.yml"
    oauth = f"{{client_id: local.1, client_secret: {{file: b24_secret}}, token_file: {name}}}"
    path.write_text(f"targets:\n  - {{name: a, platform: bitrix24, oauth: {oauth}}}\n")
    with pytest.raises(ConfigError) as refused:
        load_config(path, {})
    assert ["targets[0].oauth.token_file"] == [problem.path for problem in refused.value.problems]
    assert "would overwrite it (fix: give the path of another file, such as tokens.json)" in str(refused.value)


@pytest.mark.parametrize("name", [".", "./", "below"])
def test_a_state_file_that_is_a_folder_is_called_no_file_and_not_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / "below").mkdir()
    with pytest.raises(ConfigError, match="is not a file"):
        load(tmp_path, f"state_file: {name}\ntargets: [{{name: a, platform: wix, site_id: {SITE}, api_key: {KEY}}}]\n")


# The file itself.
