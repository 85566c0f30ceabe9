"""The mistakes of a first day, each with the one line that answers it: what people type, paste, or bring from elsewhere."""

# ruff: noqa: E501  a line of the table is a line that people read

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from exporter.config import load_config
from exporter.errors import ConfigError, ConfigProblem

ENVIRONMENT: Final = {"KEY": "k" * 40, "HOOK": "https://portal.example/rest/1/planted0123456789/"}
WIX: Final = """targets:
  - name: a
    platform: wix
    site_id: 7f1c2a34-0000-4000-8000-000000000001
    api_key: {env: KEY}
"""
PORTAL: Final = """targets:
  - name: a
    platform: bitrix24
    webhook_url: {env: HOOK}
"""
# A warning that every file here would have.
_USUAL: Final = ("double bookings are not checked", "bookings are not counted in")

ROWS: Final[list[tuple[str, str | bytes, list[str]]]] = [
    (
        "a day that does not exist",
        WIX + "    closed: [2026-02-30]\n",
        ["6: targets[0].closed[0]: a date that does not exist (fix: correct it, or put it in quotes if it is a name)"],
    ),
    (
        "a second colon within braces",
        WIX + "    labels: {site: a: b}\n",
        [
            "6: not valid YAML: a second colon in one line (fix: put a value that holds a colon and a blank in quotes)",
            "warning: 2: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "a second colon within brackets",
        WIX + "    schedule_ids: [a: b: c]\n",
        [
            "6: not valid YAML: a second colon in one line (fix: put a value that holds a colon and a blank in quotes)",
            "warning: 2: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "braces that the next key meets open",
        WIX + "    labels: {site: a\n    timeout: 5s\n",
        [
            "7: not valid YAML: a bracket is not closed (fix: close it with ] or }, or separate the values with commas)",
            "warning: 2: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "slots of no service",
        WIX + "    collectors: {slots: }\n",
        [
            "6: targets[0].collectors.slots.services: is missing (fix: write services: [{name: Haircut, id: 0b1f4d7a-2222-4333-8444-555566667777}])"
        ],
    ),
    (
        "a service by its name alone",
        WIX + "    collectors: {slots: {services: [Haircut]}}\n",
        [
            "6: targets[0].collectors.slots.services[0]: must be a mapping, not text (fix: write {name: Haircut, id: 0b1f4d7a-2222-4333-8444-555566667777})"
        ],
    ),
    (
        "a service that is no list",
        WIX + "    collectors: {slots: {services: Haircut}}\n",
        [
            "6: targets[0].collectors.slots.services: must be a list, not text (fix: write services: [{name: Haircut, id: 0b1f4d7a-2222-4333-8444-555566667777}])"
        ],
    ),
    (
        "a heartbeat by the name of its schedule alone",
        WIX + "    collectors: {events: {heartbeats: [Anna]}}\n",
        [
            '6: targets[0].collectors.events.heartbeats[0]: must be a mapping, not text (fix: write {schedule: Anna, at: "03:07"})'
        ],
    ),
    (
        "the key platform misspelt",
        WIX.replace("platform", "platfrom"),
        ["2: targets[0]: the platform is missing (fix: did you mean platform, where platfrom stands?)"],
    ),
    (
        "the key platform in capitals",
        WIX.replace("platform", "Platform"),
        ["2: targets[0]: the platform is missing (fix: did you mean platform, where Platform stands?)"],
    ),
    (
        "tab",
        WIX + "    labels:\n\tsite: x\n",
        [
            "7: not valid YAML: a tab where YAML wants spaces (fix: indent with spaces)",
            "warning: 2: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "indentation",
        WIX + "   labels: {site: x}\n",
        [
            "6: not valid YAML: the indentation does not fit the lines above (fix: check the indentation, the colons and the quotes around this line)",
            "warning: 2: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "deeper",
        WIX + "      labels: {site: x}\n",
        [
            "6: not valid YAML: the indentation does not fit the lines above (fix: check the indentation, the colons and the quotes around this line)",
            "warning: 2: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "crlf",
        "targets:\r\n  - name: a\r\n    platform: wix\r\n    site_id: 7f1c2a34-0000-4000-8000-000000000001\r\n    api_key: {env: KEY}\r\n",
        [],
    ),
    ("bom", b"\xef\xbb\xbf" + WIX.encode(), []),
    ("utf16", WIX.encode("utf-16"), ["is not UTF-8 text (fix: save it as UTF-8)"]),
    (
        "utf16le no bom",
        WIX.encode("utf-16-le"),
        ["the file holds a character that YAML forbids (fix: save it as plain UTF-8 text)"],
    ),
    ("latin1", (WIX + "    labels: {site: M\xfcnchen}\n").encode("latin-1"), ["is not UTF-8 text (fix: save it as UTF-8)"]),
    ("binary", bytes(range(256)), ["is not UTF-8 text (fix: save it as UTF-8)"]),
    ("empty", "", ["targets: there are no targets (fix: add targets: with at least one target)"]),
    ("blank", "\n\n", ["targets: there are no targets (fix: add targets: with at least one target)"]),
    (
        "typographic quotes",
        WIX + "    labels: {site: “berlin”}\n",
        [
            "warning: 6: targets[0].labels.site: begins and ends with typographic quotes, which are a part of it (fix: remove them, or write \" or ')"
        ],
    ),
    (
        "typographic around key",
        WIX.replace("{env: KEY}", "{env: “KEY”}"),
        [
            "5: targets[0].api_key: env must be the name of an environment variable (fix: write {env: NAME}, with letters, digits and _)"
        ],
    ),
    (
        "typographic name",
        WIX.replace("name: a", "name: “a”"),
        [
            "warning: 2: targets[0].name: begins and ends with typographic quotes, which are a part of it (fix: remove them, or write \" or ')"
        ],
    ),
    (
        "nbsp indent",
        WIX + "\xa0\xa0\xa0\xa0labels: {site: x}\n",
        [
            "6: unknown key with a character that only looks like a blank (U+00A0 or similar, from a web page) (fix: type the blanks again)"
        ],
    ),
    (
        "nbsp after colon",
        WIX + "    paused:\xa0true\n",
        [
            "6: not valid YAML: a character that only looks like a blank (U+00A0 or similar, from a web page) (fix: type the blanks again)",
            "warning: 2: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "nbsp in value",
        WIX.replace("platform: wix", "platform: wix\xa0"),
        ["2: targets[0]: 'wix\\xa0' is not a platform (fix: did you mean wix?)"],
    ),
    ("yes", WIX + "    paused: yes\n", []),
    ("on", WIX + "    paused: on\n", []),
    (
        "on quoted",
        WIX + "    paused: 'on'\n",
        ["6: targets[0].paused: must be true or false, not text (fix: write true or false, without quotes)"],
    ),
    (
        "Yes name",
        WIX.replace("name: a", "name: yes"),
        ["2: targets[0].name: must be text, not true or false (fix: put it in quotes)"],
    ),
    ("key on:", WIX + "    on: true\n", ["6: targets[0]: the key on is not text (fix: put the key in quotes)"]),
    (
        "octal",
        PORTAL + "    collectors: {bookings: {max_bookings: 0100}}\n",
        [
            "5: targets[0].collectors.bookings.max_bookings: 0100 is read as 64, since a 0 in front means octal (fix: write it without the 0, or in quotes if it is a name)"
        ],
    ),
    (
        "08",
        PORTAL + "    budget: {burst: 08}\n",
        ["5: targets[0].budget.burst: '08' is not a whole number (fix: write 8, without quotes)"],
    ),
    ("08 label", WIX + "    labels: {site: 08}\n", []),
    (
        "1:30",
        PORTAL + "    collectors: {bookings: {interval: 1:30}}\n",
        [
            "5: targets[0].collectors.bookings.interval: 1:30 is read as 90, since YAML reads it as a base-60 number (fix: write a duration like 1h30m, and a time or a name in quotes)"
        ],
    ),
    (
        "collector key on target",
        WIX + "    interval: 5m\n",
        ["6: targets[0].interval: unknown key (fix: move it to a collector: collectors.<name>.interval)"],
    ),
    (
        "collector key on target conflicts",
        WIX + "    conflicts: true\n",
        ["6: targets[0].conflicts: unknown key (fix: move it to collectors.bookings)"],
    ),
    (
        "collector key max_bookings",
        WIX + "    max_bookings: 5\n",
        ["6: targets[0].max_bookings: unknown key (fix: move it to collectors.bookings; it applies to links, too)"],
    ),
    ("budget key on target", PORTAL + "    burst: 5\n", ["5: targets[0].burst: unknown key (fix: move it to budget)"]),
    ("target key at top", "site_id: x\n" + WIX, ["1: site_id: unknown key (fix: move it to a target: targets[].site_id)"]),
    (
        "target key at top api_key",
        "api_key: {env: KEY}\n" + WIX,
        ["1: api_key: unknown key (fix: move it to a target: targets[].api_key)"],
    ),
    (
        "target key at top collectors",
        "collectors: {bookings: {}}\n" + WIX,
        ["1: collectors: unknown key (fix: move it to a target: targets[].collectors)"],
    ),
    (
        "interval at top",
        "interval: 5m\n" + WIX,
        ["1: interval: unknown key (fix: move it to a collector: targets[].collectors.<name>.interval)"],
    ),
    (
        "top key in target",
        WIX + "    state_file: /tmp/x\n",
        ["6: targets[0].state_file: unknown key (fix: move it to the top level of the file)"],
    ),
    (
        "top key in collector",
        WIX + "    collectors: {bookings: {timezone: UTC}}\n",
        ["6: targets[0].collectors.bookings.timezone: unknown key (fix: move it to the top level of the file)"],
    ),
    (
        "target key in collector",
        WIX + "    collectors: {bookings: {labels: {site: x}}}\n",
        ["6: targets[0].collectors.bookings.labels: unknown key (fix: move it to the target itself, beside platform)"],
    ),
    (
        "target key in collectors",
        WIX + "    collectors: {labels: {site: x}}\n",
        [
            "6: targets[0].collectors.labels: not a collector of platform wix (fix: move it to the target itself, beside platform)"
        ],
    ),
    (
        "collector on target",
        WIX + "    bookings: {interval: 5m}\n",
        ["6: targets[0].bookings: unknown key (fix: move it to collectors)"],
    ),
    (
        "collector at top",
        "bookings: {interval: 5m}\n" + WIX,
        ["1: bookings: unknown key (fix: move it to targets[].collectors)"],
    ),
    (
        "interval in collectors",
        WIX + "    collectors: {interval: 5m}\n",
        [
            "6: targets[0].collectors.interval: not a collector of platform wix (fix: move it to a collector: collectors.<name>.interval)"
        ],
    ),
    *(
        (
            f"{name} {value}",
            WIX + f"    collectors: {{{name}: {value}}}\n",
            [f"6: targets[0].collectors.{name}: must be a mapping, not true or false (fix: {fix})"],
        )
        for name, value, fix in (
            ("events", "true", "write events: without a value"),
            ("connections", "yes", "write connections: without a value"),
            ("slots", "true", "write slots: {services: [{name: Haircut, id: 0b1f4d7a-2222-4333-8444-555566667777}]}"),
            ("bookings", "false", "remove it, and name the collectors that should run"),
        )
    ),
    (
        "collectors true",
        WIX + "    collectors: true\n",
        ["6: targets[0].collectors: must be a mapping, not true or false (fix: write collectors: without a value)"],
    ),
    (
        "25 services",
        WIX
        + f"    collectors: {{slots: {{services: [{', '.join(f'{{name: S{number}, id: 11111111-2222-4333-8444-5555666677{number:02d}}}' for number in range(25))}]}}}}\n",
        ["6: targets[0].collectors.slots.services: has too many entries: at most 20, not 25 (fix: remove 5)"],
    ),
    (
        "threshold of another kind",
        WIX + "verdicts: {no_open_slots: {after: 2h}}\n",
        ["6: verdicts.no_open_slots.after: unknown key (fix: remove it: only connection_stuck and connection_unclear take it)"],
    ),
    ("oauth key on target", PORTAL + "    client_id: x\n", ["5: targets[0].client_id: unknown key (fix: move it to oauth)"]),
    (
        "key twice",
        WIX + "    name: b\n",
        ["6: targets[0].name: the key is there twice, first on line 2 (fix: keep one of them)"],
    ),
    ("wrong case", WIX.replace("site_id", "Site_ID"), ["4: targets[0].Site_ID: unknown key (fix: did you mean site_id?)"]),
    ("wrong case Targets", WIX.replace("targets", "Targets"), ["1: Targets: unknown key (fix: did you mean targets?)"]),
    ("wrong case NAME", WIX.replace("name: a", "NAME: a"), ["2: targets[0].NAME: unknown key (fix: did you mean name?)"]),
    ("dash", WIX.replace("site_id", "site-id"), ["4: targets[0].site-id: unknown key (fix: did you mean site_id?)"]),
    (
        "camel",
        "targets:\n  - name: a\n    platform: wix\n    siteId: 7f1c2a34-0000-4000-8000-000000000001\n    apiKey: {env: KEY}\n",
        [
            "4: targets[0].siteId: unknown key (fix: did you mean site_id?)",
            "5: targets[0].apiKey: unknown key (fix: did you mean api_key?)",
        ],
    ),
    ("singular target", WIX.replace("targets", "target"), ["1: target: unknown key (fix: did you mean targets?)"]),
    (
        "singular collector",
        WIX + "    collector: {bookings: {}}\n",
        ["6: targets[0].collector: unknown key (fix: did you mean collectors?)"],
    ),
    ("singular label", WIX + "    label: {site: x}\n", ["6: targets[0].label: unknown key (fix: did you mean labels?)"]),
    (
        "plural booking",
        WIX + "    collectors: {booking: {}}\n",
        ["6: targets[0].collectors.booking: not a collector of platform wix (fix: did you mean bookings?)"],
    ),
    (
        "platform misspelt",
        WIX.replace("platform: wix", "platform: wixx"),
        ["2: targets[0]: 'wixx' is not a platform (fix: did you mean wix?)"],
    ),
    (
        "platform Wix",
        WIX.replace("platform: wix", "platform: Wix"),
        ["2: targets[0]: 'Wix' is not a platform (fix: did you mean wix?)"],
    ),
    (
        "platform bitrix",
        PORTAL.replace("platform: bitrix24", "platform: bitrix"),
        ["2: targets[0]: 'bitrix' is not a platform (fix: did you mean bitrix24?)"],
    ),
    (
        "platform Bitrix24",
        PORTAL.replace("platform: bitrix24", "platform: Bitrix24"),
        ["2: targets[0]: a value of 8 characters is not a platform (fix: did you mean bitrix24?)"],
    ),
    (
        "platform google",
        PORTAL.replace("platform: bitrix24", "platform: google"),
        ["2: targets[0]: 'google' is not a platform (fix: write wix, bitrix24 or calendar)"],
    ),
    (
        "quoted number",
        PORTAL + "    budget: {burst: '5'}\n",
        ["5: targets[0].budget.burst: '5' is not a whole number (fix: write 5, without quotes)"],
    ),
    (
        "quoted bool",
        WIX + "    paused: 'true'\n",
        ["6: targets[0].paused: must be true or false, not text (fix: write true or false, without quotes)"],
    ),
    (
        "targets mapping",
        "targets:\n  name: a\n  platform: wix\n",
        ["1: targets: must be a list, not a mapping (fix: put - in front of its first key, and indent the others as much)"],
    ),
    (
        "targets map of names",
        "targets:\n  salon-a:\n    platform: wix\n    site_id: 7f1c2a34-0000-4000-8000-000000000001\n    api_key: {env: KEY}\n",
        [
            "1: targets: must be a list, not a mapping (fix: write each as an element that starts with - name: salon-a, its keys below)"
        ],
    ),
    (
        "collectors list",
        WIX + "    collectors: [bookings, connections]\n",
        [
            "6: targets[0].collectors: must be a mapping, not a list (fix: write each as a key with its value, without -, such as bookings:)"
        ],
    ),
    (
        "collectors list of maps",
        WIX + "    collectors:\n      - bookings: {interval: 5m}\n",
        ["6: targets[0].collectors: must be a mapping, not a list (fix: leave the - out)"],
    ),
    (
        "labels list",
        WIX + "    labels: [site]\n",
        [
            "6: targets[0].labels: must be a mapping, not a list (fix: write each as a key with its value, without -, such as site:)"
        ],
    ),
    (
        "windows mapping",
        "windows: {x: {from: now, to: now+1d}}\n" + WIX,
        [
            "1: windows: must be a list, not a mapping (fix: write each as an element that starts with - name: x, its keys below)"
        ],
    ),
    (
        "schedule_ids text",
        WIX + "    schedule_ids: 7f1c2a34-0000-4000-8000-000000000001\n",
        ["6: targets[0].schedule_ids: must be a list, not text (fix: write [a, b], or one line with - for each)"],
    ),
    (
        "schedule_ids mapping",
        WIX + "    schedule_ids: {7f1c2a34-0000-4000-8000-000000000001: x}\n",
        [
            "6: targets[0].schedule_ids: must be a list, not a mapping (fix: put - in front of its first key, and indent the others as much)"
        ],
    ),
    (
        "aliases list",
        WIX + "    aliases: [7f1c2a34-0000-4000-8000-000000000001]\n",
        [
            "6: targets[0].aliases: must be a mapping, not a list (fix: write {key: value}, or one line with key: value for each)"
        ],
    ),
    (
        "statuses text",
        WIX + "    collectors: {bookings: {statuses: CONFIRMED}}\n",
        ["6: targets[0].collectors.bookings.statuses: must be a list, not text (fix: write it in brackets: [CONFIRMED])"],
    ),
    (
        "status misspelt",
        WIX + "    collectors: {bookings: {statuses: [CONFIRMD]}}\n",
        ["6: targets[0].collectors.bookings.statuses[0]: 'CONFIRMD' is not a status of Wix bookings (fix: write CONFIRMED)"],
    ),
    (
        "status lower",
        WIX + "    collectors: {bookings: {statuses: [confirmed]}}\n",
        ["6: targets[0].collectors.bookings.statuses[0]: 'confirmed' is not a status of Wix bookings (fix: write CONFIRMED)"],
    ),
    (
        "count misspelt",
        PORTAL + "    collectors: {bookings: {count: strat}}\n",
        ["5: targets[0].collectors.bookings.count: 'strat' is not allowed (fix: did you mean start?)"],
    ),
    (
        "severity misspelt",
        "verdicts: {connection_stuck: {severity: warn}}\n" + WIX,
        ["1: verdicts.connection_stuck.severity: 'warn' is not allowed (fix: did you mean warning?)"],
    ),
    (
        "severity misspelt2",
        "verdicts: {connection_stuck: {severity: critcal}}\n" + WIX,
        ["1: verdicts.connection_stuck.severity: 'critcal' is not allowed (fix: did you mean critical?)"],
    ),
    (
        "later page",
        "verdicts: {conflict: {later: critical}}\n" + WIX,
        ["1: verdicts.conflict.later: 'critical' is not allowed (fix: write warning or ok)"],
    ),
    (
        "verdict misnamed",
        "verdicts: {double_booking: {soon: 1d}}\n" + WIX,
        ["1: verdicts.double_booking: unknown key (fix: did you mean conflict?)"],
    ),
    (
        "verdict misnamed2",
        "verdicts: {double_bookings: {soon: 1d}}\n" + WIX,
        ["1: verdicts.double_bookings: unknown key (fix: did you mean conflict?)"],
    ),
    (
        "share 1",
        "verdicts: {unlinked_bookings: {share: 1}}\n" + WIX,
        ["1: verdicts.unlinked_bookings.share: must be less than 1, not 1 (fix: write less than 1; 1 is all of them)"],
    ),
    (
        "least 10.0",
        "verdicts: {unlinked_bookings: {least: 10.0}}\n" + WIX,
        ["1: verdicts.unlinked_bookings.least: 10.0 is not a whole number (fix: write 10)"],
    ),
    ("90061s", WIX + "    timeout: 90061\n", ["6: targets[0].timeout: has no unit (fix: write 90061s for seconds)"]),
    (
        "accepted warning misspelt",
        WIX + "    accepted: [{warning: no_conections, why: x}]\n",
        ["6: targets[0].accepted[0].warning: 'no_conections' is not allowed (fix: did you mean no_connections?)"],
    ),
    (
        "window misspelt",
        WIX + "    collectors: {bookings: {windows: [next_24]}}\n",
        ["6: targets[0].collectors.bookings.windows[0]: there is no window 'next_24' (fix: did you mean next_24h?)"],
    ),
    (
        "window misspelt case",
        WIX + "    collectors: {bookings: {windows: [Next_24h]}}\n",
        ["6: targets[0].collectors.bookings.windows[0]: there is no window 'Next_24h' (fix: did you mean next_24h?)"],
    ),
    (
        "expression today",
        "windows: [{name: x, from: today, to: tomorrow}]\n" + WIX,
        [
            "1: windows[0].from: 'today' does not start with now, at position 1 (fix: write now/d)",
            "1: windows[0].to: 'tomorrow' does not start with now, at position 1 (fix: write now+1d/d)",
        ],
    ),
    (
        "expression NOW",
        "windows: [{name: x, from: NOW, to: now+1d}]\n" + WIX,
        ["1: windows[0].from: 'NOW' does not start with now, at position 1 (fix: start it with now in lower case)"],
    ),
    (
        "expression 24h",
        "windows: [{name: x, from: now, to: 24h}]\n" + WIX,
        ["1: windows[0].to: '24h' does not start with now, at position 1 (fix: write now+24h)"],
    ),
    (
        "resource",
        PORTAL + "    collectors: {bookings: {overlapping_resources: 12}}\n",
        [
            "5: targets[0].collectors.bookings.overlapping_resources: must be a list, not a number (fix: write it in brackets: [12])"
        ],
    ),
    (
        "zone Berln",
        "timezone: Europe/Berln\n" + WIX,
        ["1: timezone: 'Europe/Berln' is not an IANA time zone (fix: did you mean Europe/Berlin?)"],
    ),
    (
        "zone Berlin",
        "timezone: Berlin\n" + WIX,
        ["1: timezone: 'Berlin' is not an IANA time zone (fix: did you mean Europe/Berlin?)"],
    ),
    (
        "zone CET+1",
        "timezone: CET+1\n" + WIX,
        ["1: timezone: 'CET+1' is not an IANA time zone (fix: did you mean Europe/Berlin?)"],
    ),
    ("zone CET", "timezone: CET\n" + WIX, []),
    (
        "zone GMT+3",
        "timezone: GMT+3\n" + WIX,
        [
            "1: timezone: 'GMT+3' is not an IANA time zone (fix: write the zone of the business; Europe/Moscow has UTC+3 all year)"
        ],
    ),
    (
        "zone UTC+3",
        "timezone: UTC+3\n" + WIX,
        [
            "1: timezone: 'UTC+3' is not an IANA time zone (fix: write the zone of the business; Europe/Moscow has UTC+3 all year)"
        ],
    ),
    (
        "zone Moscow",
        "timezone: Moscow\n" + WIX,
        ["1: timezone: 'Moscow' is not an IANA time zone (fix: did you mean Europe/Moscow?)"],
    ),
    ("zone MSK", "timezone: MSK\n" + WIX, ["1: timezone: 'MSK' is not an IANA time zone (fix: did you mean Europe/Moscow?)"]),
    (
        "zone EST",
        "timezone: EST\n" + WIX,
        ["warning: 1: timezone: EST has no summer time (fix: write America/New_York for a place that has it)"],
    ),
    (
        "zone CEST",
        "timezone: CEST\n" + WIX,
        ["1: timezone: 'CEST' is not an IANA time zone (fix: did you mean Europe/Berlin?)"],
    ),
    ("zone BST", "timezone: BST\n" + WIX, ["1: timezone: 'BST' is not an IANA time zone (fix: did you mean Europe/London?)"]),
    (
        "zone W. Europe Standard Time",
        "timezone: W. Europe Standard Time\n" + WIX,
        ["1: timezone: 'W. Europe Standard Time' is not an IANA time zone (fix: did you mean Europe/Berlin?)"],
    ),
    (
        "zone Russian Standard Time",
        "timezone: Russian Standard Time\n" + WIX,
        ["1: timezone: 'Russian Standard Time' is not an IANA time zone (fix: did you mean Europe/Moscow?)"],
    ),
    (
        "zone local",
        "timezone: local\n" + WIX,
        ["1: timezone: 'local' is not an IANA time zone (fix: write it like Europe/Berlin or UTC)"],
    ),
    (
        "zone Munich",
        "timezone: Europe/Munich\n" + WIX,
        ["1: timezone: 'Europe/Munich' is not an IANA time zone (fix: did you mean Europe/Berlin?)"],
    ),
    (
        "zone Hamburg",
        "timezone: Hamburg\n" + WIX,
        ["1: timezone: 'Hamburg' is not an IANA time zone (fix: did you mean Europe/Berlin?)"],
    ),
    (
        "zone Germany",
        "timezone: Germany\n" + WIX,
        ["1: timezone: 'Germany' is not an IANA time zone (fix: did you mean Europe/Berlin?)"],
    ),
    ("zone Kyiv", "timezone: Europe/Kyiv\n" + WIX, []),
    (
        "zone Saint Petersburg",
        "timezone: Saint Petersburg\n" + WIX,
        ["1: timezone: 'Saint Petersburg' is not an IANA time zone (fix: did you mean Europe/Moscow?)"],
    ),
    (
        "zone europe/berlin",
        "timezone: europe/berlin\n" + WIX,
        ["1: timezone: 'europe/berlin' is not an IANA time zone (fix: did you mean Europe/Berlin?)"],
    ),
    (
        "zone Europe\\Berlin",
        "timezone: Europe\\Berlin\n" + WIX,
        ["1: timezone: a value of 13 characters is not an IANA time zone (fix: did you mean Europe/Berlin?)"],
    ),
    (
        "braces var",
        WIX.replace("{env: KEY}", "{file: ${SECRET}}"),
        [
            "5: not valid YAML: a shell variable within { }, and variables are not expanded in this file (fix: write {env: NAME})",
            "warning: 2: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "braces var env",
        WIX.replace("{env: KEY}", "{env: ${KEY}}"),
        [
            "5: not valid YAML: a shell variable within { }, and variables are not expanded in this file (fix: write {env: NAME})",
            "warning: 2: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "helm braces",
        WIX.replace("{env: KEY}", "{{ .Values.key }}"),
        ["5: targets[0].api_key: is a placeholder that was not filled in (fix: fill it in, or put the value in quotes)"],
    ),
    (
        "var plain",
        WIX.replace("{env: KEY}", "${KEY}"),
        ["5: targets[0].api_key: names a shell variable; variables are not expanded in this file (fix: write {env: NAME})"],
    ),
    (
        "var dollar",
        WIX.replace("{env: KEY}", "$KEY"),
        ["5: targets[0].api_key: names a shell variable; variables are not expanded in this file (fix: write {env: NAME})"],
    ),
    (
        "percent var",
        WIX.replace("{env: KEY}", "%KEY%"),
        [
            "5: not valid YAML: a variable of Windows, and variables are not expanded in this file (fix: write {env: NAME})",
            "warning: 2: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "env tag",
        WIX.replace("{env: KEY}", "!env KEY"),
        ["5: targets[0].api_key: has a YAML tag (fix: write {env: NAME} or {file: /path})"],
    ),
    (
        "env:KEY text",
        WIX.replace("{env: KEY}", "env:KEY"),
        [
            "5: targets[0].api_key: is text that only looks like {env: NAME} or {file: /path} (fix: write {env: NAME} or {file: /path}, with a blank after the colon)"
        ],
    ),
    (
        "env KEY no blank",
        WIX.replace("{env: KEY}", "{env:KEY}"),
        [
            "5: targets[0].api_key: needs exactly one of the keys file and env (fix: write {file: /path} or {env: NAME}, with a blank after the colon)"
        ],
    ),
    (
        "rps fast",
        PORTAL + "    budget: {requests_per_second: fast}\n",
        ["5: targets[0].budget.requests_per_second: 'fast' is not a number (fix: write it in digits)"],
    ),
    (
        "two in one",
        "targets: [{name: a, platform: bitrix24, webhook_url: 'http://portal.example/rest/planted0123456789/'}]\n",
        [
            "1: targets[0].webhook_url: uses http to another machine, so the credential would be sent unencrypted (fix: write https://)",
            "1: targets[0].webhook_url: has no user id after /rest/ (fix: copy the whole address of the webhook: https://<portal>/rest/<user id>/<code>/)",
        ],
    ),
    (
        "two in one b",
        "targets: [{name: a, platform: bitrix24, webhook_url: 'http://portal.example/rest/1/planted0123456789/crm.lead.list.json?x=1'}]\n",
        [
            "1: targets[0].webhook_url: uses http to another machine, so the credential would be sent unencrypted (fix: write https://)",
            "1: targets[0].webhook_url: has a ? or # part (fix: write it like https://<portal>/rest/<user id>/<code>/)",
            "1: targets[0].webhook_url: goes on after the code (fix: remove the method name: https://<portal>/rest/<user id>/<code>/)",
        ],
    ),
    (
        "errors and warnings",
        WIX.replace("name: a", "name: a\n    collectors: {connections: {interval: 5s}}\n    timeout: 30"),
        [
            "4: targets[0].timeout: has no unit (fix: write 30s for seconds)",
            "warning: 3: targets[0].collectors.connections.interval: 5s is short and may use up the API's limits (fix: write 30s or more)",
        ],
    ),
    (
        "yaml error and others",
        "timezone: Europe/Berln\n" + WIX + "    lables: {site: x}\n    name: [\n",
        [
            "1: timezone: 'Europe/Berln' is not an IANA time zone (fix: did you mean Europe/Berlin?)",
            "9: not valid YAML: a value is missing or a bracket is not closed (fix: check the indentation, the colons and the quotes around this line)",
            "warning: 3: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "reversed",
        "windows: [{name: x, from: now, to: now-1h}]\n" + WIX,
        ["1: windows[0]: from now to now-1h always ends before it starts (fix: exchange them: from now-1h to now)"],
    ),
    (
        "reversed monday",
        "windows: [{name: x, from: now/w, to: now/d}]\n" + WIX,
        [
            "1: windows[0]: from now/w to now/d is empty when it is 2028-01-03T00:00:00+00:00 (fix: choose bounds so that from always lies before to)"
        ],
    ),
    (
        "empty always",
        "windows: [{name: x, from: now, to: now}]\n" + WIX,
        ["1: windows[0]: from now to now is always empty (fix: choose bounds so that from always lies before to)"],
    ),
    (
        "reversed partly",
        "windows: [{name: x, from: now/d@10:00, to: now}]\n" + WIX,
        [
            "1: windows[0]: from now/d@10:00 to now ends before it starts when it is 2028-01-01T00:00:00+00:00 (fix: choose bounds so that from always lies before to)"
        ],
    ),
    (
        "schedule_ids no guid",
        WIX + "    schedule_ids: [deadbeef]\n",
        ["warning: 6: targets[0].schedule_ids[0]: does not look like the GUID of a schedule (fix: copy it again)"],
    ),
    (
        "aliases no guid",
        WIX + "    aliases: {deadbeef: X}\n",
        ["warning: 6: targets[0].aliases.deadbeef: does not look like the GUID of a schedule (fix: copy it again)"],
    ),
    (
        "instance id no guid",
        "targets: [{name: a, platform: wix, app_id: 5, app_secret: {env: KEY}, instance_id: foo}]\n",
        [
            "1: targets[0].app_id: must be text, not a number (fix: put it in quotes)",
            "warning: 1: targets[0].instance_id: does not look like a GUID such as 12345678-9abc-4def-8123-456789abcdef (fix: copy it again)",
        ],
    ),
    (
        "app no guid",
        "targets: [{name: a, platform: wix, app_id: foo, app_secret: {env: KEY}, instance_id: foo}]\n",
        [
            "warning: 1: targets[0].app_id: does not look like a GUID such as 12345678-9abc-4def-8123-456789abcdef (fix: copy it again)",
            "warning: 1: targets[0].instance_id: does not look like a GUID such as 12345678-9abc-4def-8123-456789abcdef (fix: copy it again)",
        ],
    ),
    (
        "accepted booking of a portal",
        PORTAL + "    accepted: [{booking: foo, why: x}]\n",
        [
            "warning: 5: targets[0].accepted[0].booking: does not look like the id of a booking, a number (fix: copy the id that the board shows)"
        ],
    ),
    (
        "accepted no guid",
        WIX + "    accepted: [{booking: foo, why: x}, {connection: foo, why: x}]\n",
        [
            "warning: 6: targets[0].accepted[0].booking: does not look like the GUID of a booking (fix: copy the id that the board shows)"
        ],
    ),
    ("resource wix no guid", WIX + "    collectors: {bookings: {overlapping_resources: [12]}}\n", []),
    ("resource alias wix no guid", WIX + "    resource_aliases: {'12': x}\n", []),
    (
        "resource b24 guid",
        PORTAL + "    collectors: {bookings: {overlapping_resources: ['7f1c2a34-0000-4000-8000-000000000001']}}\n",
        [],
    ),
    (
        "connections windows",
        WIX + "    collectors: {connections: {windows: [today]}}\n",
        [
            "warning: 6: targets[0].collectors.connections.windows: has no effect: connections are not counted in windows (fix: remove it)"
        ],
    ),
    (
        "json",
        '{"targets": [{"name": "a", "platform": "wix", "site_id": "7f1c2a34-0000-4000-8000-000000000001", "api_key": {"env": "KEY"}}]}',
        [],
    ),
    ("toml", "timezone = 'x'\n", ["must be a mapping, not text (fix: begin it with targets: and a list of them)"]),
    ("just text", "hello\n", ["must be a mapping, not text (fix: begin it with targets: and a list of them)"]),
    ("list at top", "- name: a\n", ["must be a mapping, not a list (fix: write targets: above the list)"]),
    (
        "dash missing blank",
        WIX.replace("- name", "-name"),
        [
            "2: not valid YAML: no blank after the - (fix: write - and a blank in front of the key)",
            "warning: 1: targets: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "colon missing blank",
        WIX.replace("platform: wix", "platform:wix"),
        [
            "3: not valid YAML: no blank after the colon (fix: write key: value)",
            "warning: 2: targets[0]: was not checked, because it is not valid YAML (fix: correct that, and check again)",
        ],
    ),
    (
        "target empty item",
        WIX + "  -\n",
        ["6: targets[1]: is empty (fix: give it a value, or remove the key; it is a mapping)"],
    ),
    (
        "null name",
        WIX.replace("name: a", "name:"),
        ["2: targets[0].name: is empty (fix: give a value such as salon-wix, or remove the key)"],
    ),
    (
        "duration words",
        WIX + "    timeout: 5 minutes\n",
        ["6: targets[0].timeout: '5 minutes' is not a duration (fix: write 5m)"],
    ),
    ("duration blank", WIX + "    timeout: 5 m\n", ["6: targets[0].timeout: '5 m' is not a duration (fix: write 5m)"]),
    ("duration cap", WIX + "    timeout: 5M\n", ["6: targets[0].timeout: '5M' is not a duration (fix: write 5m)"]),
    ("duration sec", WIX + "    timeout: 30sec\n", ["6: targets[0].timeout: '30sec' is not a duration (fix: write 30s)"]),
    (
        "closed bad",
        WIX + "    closed: [24.12.2026]\n",
        ["6: targets[0].closed[0]: '24.12.2026' is not a day (fix: write 2026-12-24)"],
    ),
    (
        "closed past format",
        WIX + "    closed: ['2026-13-01']\n",
        ["6: targets[0].closed[0]: '2026-13-01' is not a day (fix: write it like 2026-12-24)"],
    ),
    (
        "labels nested",
        WIX + "    labels: {site: {a: b}}\n",
        ["6: targets[0].labels.site: must be text, not a mapping (fix: write text such as berlin)"],
    ),
]


def lines_of(file: Path) -> list[str]:
    problems: tuple[ConfigProblem, ...] = ()
    try:
        warnings = load_config(file, ENVIRONMENT).warnings
    except ConfigError as error:
        problems, warnings = error.problems, error.warnings
    told = [str(problem) for problem in problems]
    told += [f"warning: {warning}" for warning in warnings if warning.file and not warning.message.startswith(_USUAL)]
    return [line.replace(f"{file}: ", "").replace(f"{file}:", "") for line in told]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "content", "told"), ROWS, ids=[name for name, _, _ in ROWS])
def test_a_first_mistake_is_answered_with_its_line(tmp_path: Path, name: str, content: str | bytes, told: list[str]) -> None:
    file = tmp_path / "exporter.yml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    file.chmod(0o600)
    assert told == lines_of(file), name


def test_every_line_says_how_to_mend_it() -> None:
    assert len({name for name, _, _ in ROWS}) == len(ROWS) > 130
    assert all("(fix: " in line for _, _, told in ROWS for line in told)


def test_a_folder_in_the_place_of_the_file_is_answered_too(tmp_path: Path) -> None:
    told = "is not a file (fix: name a regular file, or a pipe that somebody writes and closes)"
    assert [told] == lines_of(tmp_path)
