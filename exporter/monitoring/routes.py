"""Who hears of which alert: one subtree of routes that fits below anybody's own tree, and examples to switch on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from exporter.monitoring.hurry import hurried_route
from exporter.monitoring.promql import TENANT_LABELS
from exporter.monitoring.yamltext import dump_items, switched_off, switched_off_keys

_Commented: TypeAlias = Sequence[tuple[str, Mapping[str, object]]]
"""Routes with the comments above them."""

_JOB: Final = (*TENANT_LABELS, "job")
_WAKES: Final = {"receiver": "pager", "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
_UNHURRIED: Final = {"group_wait": "5m", "group_interval": "30m", "repeat_interval": "3d"}

_SUBTREE: Final[tuple[str, Mapping[str, object]]] = (
    (
        "Everything of this bundle. To merge it into a tree of your own, take this one route and what is below it, the\n"
        "receivers, the inhibitions and the file under `templates`: without that no message can be written.\n"
        "Other alerts have no fixed_by, not even a Watchdog of somebody else."
    ),
    {
        "matchers": ['alertname =~ "Watchdog|BookingSync.+"', 'fixed_by != ""'],
        "receiver": "tickets",
        "group_by": ["alertname", *_JOB],
        **_UNHURRIED,
    },
)
_IN_OFFICE_HOURS: Final = {"active_time_intervals": ["office-hours"]}
_FIRST: Final[_Commented] = (
    (
        (
            "The heartbeat, every 60 seconds: its receiver (a dead man's switch) must raise the alarm after five minutes of\n"
            "silence. A repeat_interval that is a multiple of the group_interval would skip every other one."
        ),
        {
            "matchers": ['alertname = "Watchdog"'],
            "receiver": "heartbeat",
            "group_by": ["alertname", *TENANT_LABELS],
            "group_wait": "0s",
            "group_interval": "30s",
            "repeat_interval": "50s",
        },
    ),
    ("Only displayed, on the boards.", {"matchers": ['severity =~ "info|none"'], "receiver": "nobody"}),
)
_EXAMPLES: Final[_Commented] = (
    (
        "Example: the front desk of a site hears of its own double bookings, and nobody else does.",
        {
            "matchers": ['fixed_by = "front desk"', 'site = "berlin"'],
            "receiver": "front-desk-berlin",
            "group_by": ["alertname", *_JOB, "target"],
            "group_wait": "30s",
            "group_interval": "5m",
        },
    ),
    (
        "Example: tickets about calendars go to whoever talks to their owners.",
        {"matchers": ['fixed_by = "calendar owner"', 'severity = "warning"', 'forgets = ""'], "receiver": "calendar-care"},
    ),
)
_PAGES: Final[_Commented] = (
    (
        "The exporter itself, or what many targets share: one incident for each cause.",
        {
            "matchers": ['severity = "critical"', 'target = ""'],
            **_WAKES,
            "group_by": ["alertname", *_JOB, "platform", "credential", "besides", "extent"],
        },
    ),
    (
        "One incident per business, whatever the number of its alerts.",
        {"matchers": ['severity = "critical"'], **_WAKES, "group_by": [*_JOB, "target"]},
    ),
)
_TICKETS: Final[_Commented] = (
    (
        "These end because they forget: a calendar that was cut a day ago is still cut. Nobody is told that all is well.",
        {"matchers": ['forgets = "yes"'], "receiver": "tickets-without-all-clear"},
    ),
    (
        "Forty revoked tokens are one ticket, and a thousand, too. It is longer in coming than a limit that passes.",
        {"matchers": ['severity = "warning"'], "receiver": "tickets"},
    ),
)
_OFFICE_HOURS: Final[tuple[str, Mapping[str, object]]] = (
    (
        "Example: tickets in office hours only; pages come at any time. The active_time_intervals of the tickets above belong\n"
        "to it. What is over before the office opens is never told; an all-clear outside of its hours is not sent, either."
    ),
    {
        "time_intervals": [
            {
                "name": "office-hours",
                "time_intervals": [
                    {
                        "weekdays": ["monday:friday"],
                        "times": [{"start_time": "08:00", "end_time": "18:00"}],
                        "location": "Europe/Berlin",
                    }
                ],
            }
        ]
    },
)


def routes(hurry: int = 1) -> str:
    """Return the sections ``route`` and, as a comment, ``time_intervals`` of ``alertmanager.yml``, in divided time."""

    def hurried(routes: _Commented) -> _Commented:
        return [(comment, hurried_route(route, hurry)) for comment, route in routes]

    comment, intervals = _OFFICE_HOURS
    return (
        "route:\n"
        "  # What is not of this bundle: put your own receiver here.\n"
        "  receiver: nobody\n"
        "  routes:\n"
        + dump_items(hurried([_SUBTREE]), 4)
        + "      routes:\n"
        + dump_items(hurried(_FIRST), 8)
        + switched_off(hurried(_EXAMPLES), 8)
        + dump_items(hurried(_PAGES), 8)
        + "".join(dump_items(hurried([ticket]), 8) + switched_off_keys(_IN_OFFICE_HOURS, 10) for ticket in _TICKETS)
        + "".join(f"# {line}\n" for line in comment.splitlines())
        + switched_off_keys(intervals, 0)
    )
