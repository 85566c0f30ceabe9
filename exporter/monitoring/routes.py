"""Who hears of which alert: one subtree of routes that fits below anybody's own tree, and examples to switch on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from exporter.monitoring.delivery import Delivery, OfficeHours
from exporter.monitoring.hurry import hurried_route
from exporter.monitoring.promql import TENANT_LABELS
from exporter.monitoring.receivers import WITHOUT_ALL_CLEAR, route_names
from exporter.monitoring.yamltext import dump, dump_items, switched_off, switched_off_keys

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
        "Example: double bookings of a site go to its own front desk, and to nobody else.",
        {
            "matchers": ['fixed_by = "front desk"', 'site = "berlin"'],
            "receiver": "front-desk-berlin",
            "group_by": ["alertname", *_JOB, "target"],
            "group_wait": "30s",
            "group_interval": "5m",
        },
    ),
    (
        "Example: tickets about calendars go to the person who talks to their owners.",
        {"matchers": ['fixed_by = "calendar owner"', 'severity = "warning"', 'forgets = ""'], "receiver": "calendar-care"},
    ),
    (
        (
            "Example: an owner's calendar that cannot be read waits for the morning. Until then nobody sees whether bookings\n"
            "arrive in it; what happens to the bookings themselves is seen on their platform."
        ),
        {
            "matchers": [
                'platform = "calendar"',
                'alertname =~ "BookingSync(AccessDenied|DataExpired)"',
                'severity = "critical"',
                'target != ""',
            ],
            "receiver": "tickets",
        },
    ),
)
# A user may have made them critical. What else their page is, it has from the route above.
_FORGOTTEN_PAGES: Final = {"routes": [{"matchers": ['forgets = "yes"'], "receiver": f"pager{WITHOUT_ALL_CLEAR}"}]}
_PAGES: Final[_Commented] = (
    (
        (
            "The exporter itself, or what many targets share: one incident for each cause. Alerts with the label "
            "forgets have no all-clear."
        ),
        {
            "matchers": ['severity = "critical"', 'target = ""'],
            **_WAKES,
            "group_by": ["alertname", *_JOB, "platform", "credential", "besides", "extent"],
            **_FORGOTTEN_PAGES,
        },
    ),
    (
        "One incident per business, whatever the number of its alerts.",
        {"matchers": ['severity = "critical"'], **_WAKES, "group_by": [*_JOB, "target"], **_FORGOTTEN_PAGES},
    ),
)
_TICKETS: Final[_Commented] = (
    (
        (
            "These alerts end because their range ends: a calendar that was disconnected a day ago still is. So "
            "there is no all-clear."
        ),
        {"matchers": ['forgets = "yes"'], "receiver": f"tickets{WITHOUT_ALL_CLEAR}"},
    ),
    (
        "Forty revoked tokens are one ticket, and a thousand, too. The wait is longer than a limit that ends by itself.",
        {"matchers": ['severity = "warning"'], "receiver": "tickets"},
    ),
)
_OFFICE_HOURS: Final[tuple[str, Mapping[str, object]]] = (
    (
        "Example: tickets in office hours only; pages come at any time. The active_time_intervals of the tickets above belong\n"
        "to it. An alert that ends before the office opens is never sent; nor is an all-clear outside of office hours."
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


def routes(delivery: Delivery, hurry: int = 1) -> str:
    """Return the sections ``route`` and ``time_intervals`` of ``alertmanager.yml``, in divided time.

    What a user has not configured stands there as a comment.
    """

    def hurried(routes: _Commented) -> _Commented:
        return [(comment, hurried_route(route, hurry)) for comment, route in routes]

    comment, example = _OFFICE_HOURS
    hours = delivery.office_hours
    tickets = [(about, {**ticket, **(_IN_OFFICE_HOURS if hours else {})}) for about, ticket in _TICKETS]
    return (
        "route:\n"
        "  # What is not of this bundle: put your own receiver here.\n"
        "  receiver: nobody\n"
        "  routes:\n"
        + dump_items([("", _hurried_below(route, hurry)) for route in delivery.extra.routes], 4)
        + dump_items(hurried([_SUBTREE]), 4)
        + "      routes:\n"
        + dump_items(hurried(_FIRST), 8)
        + (_own(delivery, hurry) if delivery.routes else switched_off(hurried(_EXAMPLES), 8))
        + dump_items(hurried(_PAGES), 8)
        + "".join(
            dump_items(hurried([ticket]), 8) + ("" if hours else switched_off_keys(_IN_OFFICE_HOURS, 10)) for ticket in tickets
        )
        + (
            dump({"time_intervals": [_interval(hours)]})
            if hours
            else "".join(f"# {line}\n" for line in comment.splitlines()) + switched_off_keys(example, 0)
        )
    )


def _own(delivery: Delivery, hurry: int) -> str:
    """Return a user's own routes: each takes what it fits before the pager and the tickets do."""
    in_hours = _IN_OFFICE_HOURS if delivery.office_hours else {}
    text = ""
    for route, name in zip(delivery.routes, route_names(delivery.routes), strict=True):
        words = {"fixed_by": route.fixed_by, "site": route.site, "severity": route.severity}
        whole = {
            "matchers": [f"{label} = {quoted(value)}" for label, value in words.items() if value],
            "receiver": name,
            "group_by": ["alertname", *_JOB, "target"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
        }
        parts = [
            # A page comes at any time, also one that ends because it forgets.
            {"matchers": ['forgets = "yes"', 'severity = "critical"'], "receiver": f"{name}{WITHOUT_ALL_CLEAR}"},
            {"matchers": ['forgets = "yes"'], "receiver": f"{name}{WITHOUT_ALL_CLEAR}", **_UNHURRIED, **in_hours},
            {"matchers": ['severity = "warning"'], **_UNHURRIED, **in_hours},
        ]
        text += dump_items([("", hurried_route(whole, hurry))], 8)
        text += "          routes:\n" + dump_items([("", hurried_route(part, hurry)) for part in parts], 12)
    return text


def _hurried_below(route: Mapping[str, Any], hurry: int) -> dict[str, object]:
    """Return a route in Alertmanager's own words whose groups, and those below it, wait shorter."""
    below = {"routes": [_hurried_below(child, hurry) for child in route["routes"]]} if "routes" in route else {}
    return {**hurried_route(route, hurry), **below}


def quoted(text: str) -> str:
    """Return a value as a matcher of Alertmanager has it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _interval(hours: OfficeHours) -> Mapping[str, object]:
    week = {
        "weekdays": list(hours.weekdays),
        "times": [{"start_time": hours.start, "end_time": hours.end}],
        "location": str(hours.timezone),
    }
    return {"name": "office-hours", "time_intervals": [week]}
