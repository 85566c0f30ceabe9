"""A value of each kind that cannot be used: one line with the place, what was read and how it is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from exporter.config import load_config
from exporter.errors import ConfigError
from exporter.monitoring.settings import load_settings

WIX: Final = "targets: [{name: a, platform: wix, site_id: 7f1c2a34-0000-4000-8000-000000000001, api_key: {env: KEY}%s}]\n"
PORTAL: Final = "targets: [{name: a, platform: bitrix24, webhook_url: {env: HOOK}%s}]\n"
SECRETS: Final = {"KEY": "k" * 40, "HOOK": "https://portal.example/rest/1/planted0123456789/"}

SIXTIES: Final = "since YAML reads it as a base-60 number (fix: write a duration like 1h30m, and a time or a name in quotes)"
OCTAL: Final = "since a 0 in front means octal (fix: write it without the 0, or in quotes if it is a name)"
LOAD: Final[dict[str, Callable[[Path], object]]] = {
    "exporter": lambda path: load_config(path, SECRETS),
    "monitoring": load_settings,
}
# In each text V stands for the value; what comes after the place is the whole line.
PLACES: Final[dict[str, tuple[str, str, str]]] = {
    "share": ("exporter", "verdicts: {unlinked_bookings: {share: V}}\n" + WIX % "", "verdicts.unlinked_bookings.share"),
    "least": ("exporter", "verdicts: {unlinked_bookings: {least: V}}\n" + WIX % "", "verdicts.unlinked_bookings.least"),
    "intervals": ("exporter", "verdicts: {poll_overdue: {intervals: V}}\n" + WIX % "", "verdicts.poll_overdue.intervals"),
    "after": ("exporter", "verdicts: {connection_stuck: {after: V}}\n" + WIX % "", "verdicts.connection_stuck.after"),
    "severity": ("exporter", "verdicts: {connection_stuck: {severity: V}}\n" + WIX % "", "verdicts.connection_stuck.severity"),
    "rate": ("exporter", PORTAL % ", budget: {requests_per_second: V}", "targets[0].budget.requests_per_second"),
    "conflicts": (
        "exporter",
        WIX % ", collectors: {bookings: {conflicts: V}}",
        "targets[0].collectors.bookings.conflicts",
    ),
    "resource": (
        "exporter",
        PORTAL % ", collectors: {bookings: {overlapping_resources: [V]}}",
        "targets[0].collectors.bookings.overlapping_resources[0]",
    ),
    "timezone": ("exporter", "timezone: V\n" + WIX % "", "timezone"),
    "from": ("exporter", "windows: [{name: x, from: V, to: now}]\n" + WIX % "", "windows[0].from"),
    "closed": ("exporter", WIX % ", closed: [V]", "targets[0].closed[0]"),
    "name": ("exporter", (WIX % "").replace("name: a", "name: V"), "targets[0].name"),
    "label": ("exporter", WIX % ", labels: {site: V}", "targets[0].labels.site"),
    "slo": ("monitoring", "slo: V\n", "slo"),
    "targets": ("monitoring", "targets: V\n", "targets"),
    "scrape_interval": ("monitoring", "scrape_interval: V\n", "scrape_interval"),
    "language": ("monitoring", "language: V\n", "language"),
    "exporters": (
        "monitoring",
        "exporters: {booking-sync-exporter: [V]}\n",
        "exporters.booking-sync-exporter[0]",
    ),
    "smarthost": ("monitoring", "mail: {smarthost: V, from: a@example.org}\n", "mail.smarthost"),
    "prometheus": ("monitoring", "addresses: {prometheus: V}\n", "addresses.prometheus"),
    "office": ("monitoring", 'office_hours: {timezone: Europe/Berlin, from: V, to: "23:00"}\n', "office_hours.from"),
    "days": (
        "monitoring",
        'office_hours: {timezone: Europe/Berlin, from: "08:00", to: "18:00", weekdays: [V]}\n',
        "office_hours.weekdays[0]",
    ),
    "chat": (
        "monitoring",
        "receivers: {pager: [{telegram: {bot_token_file: /a/b, chat_id: V}}]}\n",
        "receivers.pager[0].telegram.chat_id",
    ),
}
DIGITS: Final = "(fix: write it in digits)"
LIKE: Final = "(fix: write text such as 30s, 5m or 1h30m)"
ADDRESS: Final = "is not an http(s) address, or holds a query or a password (fix: write https://host/path, without a query)"
NO_PORT: Final = "is not HOST:PORT with a port from 1 to 65535"
NO_DAYS: Final = "is not a day of the week, nor a range of them"
SCHEME: Final = "is not an http(s) address: it has no scheme"
ROWS: Final = (
    ("share", "20%", "'20%' is not a number (fix: write 0.2)"),
    ("share", "20 %", "'20 %' is not a number (fix: write 0.2)"),
    ("share", '"0.3"', "'0.3' is not a number (fix: write 0.3, without quotes)"),
    ("share", '"0,3"', "'0,3' is not a number (fix: write 0.3, without quotes)"),
    ("share", "20", "must be less than 1, not 20 (fix: write less than 1; 0.2 is 20 %)"),
    ("share", "200", "must be less than 1, not 200 (fix: write less than 1)"),
    ("share", "-1", "must be more than 0, not -1 (fix: write more than 0)"),
    ("share", ".nan", f"must be a finite number {DIGITS}"),
    ("share", ".inf", f"must be a finite number {DIGITS}"),
    ("share", "yes", f"must be a number, not true or false {DIGITS}"),
    ("share", "2026-01-02", f"must be a number, not a date {DIGITS}"),
    ("share", "[0.2]", f"must be a number, not a list {DIGITS}"),
    ("share", "~", "is empty (fix: give it a value, or remove the key; it is a number)"),
    ("intervals", "true", f"must be a number, not true or false {DIGITS}"),
    ("intervals", "'2'", "'2' is not a number (fix: write 2, without quotes)"),
    ("intervals", "9", "must be at most 4, not 9 (fix: write 4 or less)"),
    ("least", "1e3", "'1e3' is not a whole number (fix: write 1000, without quotes)"),
    ("least", "1.5", "1.5 is not a whole number (fix: write it without a fraction)"),
    ("least", "'1.5'", "'1.5' is not a whole number (fix: write it without a fraction)"),
    ("least", "true", f"must be a whole number, not true or false {DIGITS}"),
    ("least", ".inf", f"must be a finite number {DIGITS}"),
    ("least", "ten", f"'ten' is not a whole number {DIGITS}"),
    ("least", "0", "must be at least 1, not 0 (fix: write 1 or more)"),
    ("least", "010", f"010 is read as 8, {OCTAL}"),
    ("least", "1:30", f"1:30 is read as 90, {SIXTIES}"),
    ("rate", "1:30", f"1:30 is read as 90, {SIXTIES}"),
    ("rate", "1:30.5", f"1:30.5 is read as 90.5, {SIXTIES}"),
    ("rate", "true", f"must be a number, not true or false {DIGITS}"),
    ("rate", "0", "must be more than 0, not 0 (fix: write more than 0)"),
    ("rate", ".nan", f"must be a finite number {DIGITS}"),
    ("resource", "012", f"012 is read as 10, {OCTAL}"),
    ("resource", "1:30", f"1:30 is read as 90, {SIXTIES}"),
    ("after", "30", "has no unit (fix: write 30m for minutes)"),
    ("after", "010", f"010 is read as 8, {OCTAL}"),
    ("after", "1:30", f"1:30 is read as 90, {SIXTIES}"),
    ("after", "1e3", "'1e3' is not a duration (fix: write it like 30s, 5m or 1h30m)"),
    ("after", "5min", "'5min' is not a duration (fix: write 5m)"),
    ("after", "1 hour 30 minutes", "'1 hour 30 minutes' is not a duration (fix: write 1h30m)"),
    ("after", "30 minutes 1 hour", "'30 minutes 1 hour' is not a duration (fix: write it like 30s, 5m or 1h30m)"),
    ("after", "0 minutes", "'0 minutes' is not a duration (fix: write it like 30s, 5m or 1h30m)"),
    ("after", "90 parsecs", "'90 parsecs' is not a duration (fix: write it like 30s, 5m or 1h30m)"),
    ("least", "10.0", "10.0 is not a whole number (fix: write 10)"),
    ("share", "1", "must be less than 1, not 1 (fix: write less than 1; 1 is all of them)"),
    ("from", "today", "'today' does not start with now, at position 1 (fix: write now/d)"),
    ("from", "24h", "'24h' does not start with now, at position 1 (fix: write now+24h)"),
    ("from", "-7d", "'-7d' does not start with now, at position 1 (fix: write now-7d)"),
    ("closed", "24.12.2026", "'24.12.2026' is not a day (fix: write 2026-12-24)"),
    ("closed", "31.2.2026", "'31.2.2026' is not a day (fix: write it like 2026-12-24)"),
    ("closed", "40.12.2026", "'40.12.2026' is not a day (fix: write it like 2026-12-24)"),
    ("after", "yes", f"must be text, not true or false {LIKE}"),
    ("after", "2026-01-02", f"must be text, not a date {LIKE}"),
    ("after", "[5m]", f"must be text, not a list {LIKE}"),
    ("severity", "~", "is empty (fix: write critical, warning or ok)"),
    ("severity", "on", "must be text, not true or false (fix: write critical, warning or ok)"),
    ("severity", "page", "'page' is not allowed (fix: write critical, warning or ok)"),
    ("conflicts", "1", "must be true or false, not a number (fix: write true or false, without quotes)"),
    ("timezone", "1:30", f"1:30 is read as 90, {SIXTIES}"),
    ("timezone", "yes", "must be text, not true or false (fix: write text such as Europe/Berlin)"),
    ("from", "2026-01-02", "must be text, not a date (fix: write text such as now+24h)"),
    ("closed", "24", "must be text, not a number (fix: write text such as 2026-12-24)"),
    ("name", "30", "must be text, not a number (fix: put it in quotes)"),
    ("name", "no", "must be text, not true or false (fix: put it in quotes)"),
    ("label", "010", f"010 is read as 8, {OCTAL}"),
    ("slo", "99%", "'99%' is not a number (fix: write 0.99)"),
    ("slo", "yes", f"must be a number, not true or false {DIGITS}"),
    ("targets", "010", f"010 is read as 8, {OCTAL}"),
    ("targets", "1e3", "'1e3' is not a whole number (fix: write 1000, without quotes)"),
    ("scrape_interval", "30", "has no unit (fix: write 30s for seconds)"),
    ("language", "no", "must be text, not true or false (fix: write text such as en)"),
    (
        "exporters",
        "'exporter:0'",
        "'exporter:0' is not HOST:PORT with a port from 1 to 65535 (fix: write it like exporter:10888)",
    ),
    (
        "exporters",
        "'exporter:65536'",
        "a value of 14 characters is not HOST:PORT with a port from 1 to 65535 (fix: write it like exporter:10888)",
    ),
    ("smarthost", "'smtp:65536'", "is not HOST:PORT with a port from 1 to 65535 (fix: write it like smtp.example.org:587)"),
    ("smarthost", "587", "must be text, not a number (fix: write text such as smtp.example.org:587)"),
    ("prometheus", "'http://p:0'", ADDRESS),
    ("prometheus", "'http://p:65536'", ADDRESS),
    ("slo", "99.9", "99.9 is not between 0 and 1 (fix: write 0.999 for 99.9 %)"),
    ("language", "german", "'german' is not one of the languages (fix: write de)"),
    ("language", "DE", "'DE' is not one of the languages (fix: write de)"),
    ("smarthost", "smtp.example.org", f"{NO_PORT} (fix: add the port: smtp.example.org:587)"),
    ("smarthost", "'smtp://anna:planted0123456789@host'", f"{NO_PORT} (fix: write it like smtp.example.org:587)"),
    ("prometheus", "prometheus:9090", f"{SCHEME} (fix: write http:// or https:// in front of it)"),
    ("office", "'8:00'", 'is not a time of the day (fix: write "08:00")'),
    ("office", "'25'", 'is not a time of the day (fix: write it like "08:00", in quotes)'),
    ("office", "'18.30 Uhr'", 'is not a time of the day (fix: write "18:30")'),
    ("days", "mon-fri", f"{NO_DAYS} (fix: write monday:friday)"),
    ("days", "Wendesday", f"{NO_DAYS} (fix: write wednesday)"),
    ("days", "everyday", f"{NO_DAYS} (fix: write each like monday:friday, or sunday)"),
    ("office", "18:00", f"18:00 is read as 1080, {SIXTIES}"),
    ("office", "8", 'must be text, not a number (fix: write text such as "08:00")'),
    ("chat", "012", f"012 is read as 10, {OCTAL}"),
)


@pytest.mark.parametrize(("place", "value", "said"), ROWS, ids=[f"{place}-{value}" for place, value, _ in ROWS])
def test_a_value_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, place: str, value: str, said: str) -> None:
    kind, text, path = PLACES[place]
    file = tmp_path / f"{kind}.yml"
    file.write_text(text.replace("V", value, 1))
    line = text[: text.index("V")].count("\n") + 1
    with pytest.raises(ConfigError) as caught:
        LOAD[kind](file)
    assert [f"{file}:{line}: {path}: {said}"] == [str(one) for one in caught.value.problems]


def said_of(file: Path) -> ConfigError | None:
    try:
        load_settings(file)
    except ConfigError as error:
        return error
    return None


@pytest.mark.parametrize("value", ["0", "-0", "10", "1_000", "0x1F", "1.05", "00.5", '"010"', "'1:30'", "08", "1:3x"])
def test_a_number_that_people_and_yaml_read_alike_is_read(tmp_path: Path, value: str) -> None:
    file = tmp_path / "monitoring.yml"
    file.write_text(f"targets: {value}\n")
    assert "is read as" not in str(said_of(file))


def test_a_long_number_that_may_be_a_credential_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "monitoring.yml"
    file.write_text(f"targets: 0{'1234567' * 8}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert "1234567" not in str(caught.value)
