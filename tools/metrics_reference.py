"""Writes the reference of all families, ``docs/metrics.md``: ``python -m tools.metrics_reference docs/metrics.md``.

A test compares the committed file with :func:`render`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from exporter.errors import Reason
from exporter.limits import CONNECTION_SERIES, PROVIDER_SERIES
from exporter.metrics.families.catalog import TARGET_INFO, TOPICS
from exporter.metrics.families.family import Family, Histogram
from exporter.metrics.instruments import LEVELS
from exporter.model import CalendarType, CollectorName, ConnectionStatus, ErrorReason
from exporter.platforms.registry import PLATFORMS

_PER_CONNECTION: Final = len(ConnectionStatus) + len(ErrorReason) + len(("info", "import", "export", "since"))

_INTRODUCTION: Final = f"""\
# Metrics

*Generated from the declarations in `exporter/metrics/` by `python -m tools.metrics_reference docs/metrics.md`.*

`GET /metrics` serves the Prometheus text format 0.0.4 and OpenMetrics 1.0.0; `?target=NAME` (repeatable) limits the page to
these targets. `/site/NAME/metrics` has the targets of one site, and of the exporter itself only `booking_sync_time_seconds`,
`booking_sync_ready` (of that site's collectors) and `booking_sync_standby`; it lacks `booking_sync_credential_info`, which
describes the operator's machine. See [web.md](web.md#a-board-for-one-customer).

Rules for all families:

- **Fresh or absent.** A failed poll sets `booking_sync_collector_up` to 0 at once. Its last good data stays until `max_age`;
  then its series are removed and `booking_sync_collector_data_expired` is 1. An error never becomes a zero.
- **States have one series per known value**, exactly one of which is 1. A value that is not known yet is `unknown`.
  `booking_sync_collector_failing` is the exception: only the present reason has a series, and there is none while the
  collector is up. An alert on it needs `for`, because functions over a range ignore the times without a series.
- **Counters exist with 0 from the start** and live as long as the process, also across reloads.
- **Timestamps, not ages**: a timestamp is Unix time in seconds; the age is `time()` minus the timestamp.
- **Absent is not 0**: a value that is not measured has no series (conflicts, if Wix bookings are only counted).
- **Bounded.** If a target has more than {CONNECTION_SERIES.number:,} connections (`max_connections`), that many have series of
  their own, {_PER_CONNECTION} each, broken ones first. The aggregate `booking_sync_connections` still
  counts all of them, and `booking_sync_collector_series_dropped` says how many have no series of their own. The same applies
  to {PROVIDER_SERIES.number} providers, and to the resources of `per_resource`. All other label values of a platform come from
  closed lists; see [limits.md](limits.md).
- **No names of people.** `connection` is the alias of its schedule, or the first 12 hexadecimal digits of the SHA-256 of
  the API's id.

Three queries to begin with ([promql.md](promql.md) has more):

```promql
# Broken connections, with the reason
booking_sync_connection_error == 1

# For how many seconds each connection has had its present status
time() - booking_sync_connection_status_since_timestamp_seconds

# Bookings of the next day, with the target's site (a label from the configuration)
booking_sync_bookings{{window="next_24h"}} * on (job, instance, target, platform) group_left (site) booking_sync_target_info
```
"""


_VALUES: Final[tuple[tuple[str, Iterable[str]], ...]] = (
    ("`platform`", tuple(PLATFORMS)),
    ("`collector`", CollectorName),
    ("`status` of `connection_status`, `connections`", ConnectionStatus),
    ("`reason` of `connection_error`", ErrorReason),
    ("`reason` of `collector_failing`, `collector_failures_total`, `api_retries_total`", Reason),
    ("`calendar_type`", CalendarType),
    ("`direction`", ("import", "export")),
    ("`budget`", ("requests", "operating")),
    ("`level`", LEVELS),
)


def render() -> str:
    """Return the whole reference as Markdown."""
    parts = [_INTRODUCTION]
    for topic in TOPICS:
        rows = "".join(_row(family) for family in topic.families)
        parts.append(f"\n## {topic.title}\n\n| family | type | labels | meaning |\n|---|---|---|---|\n{rows}")
    values = "".join(f"| {label} | {', '.join(f'`{value}`' for value in known)} |\n" for label, known in _VALUES)
    parts.append(f"\n## Label values\n\nThese labels have no other values.\n\n| label | values |\n|---|---|\n{values}")
    return "".join(parts)


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    if family is TARGET_INFO:
        labels += ", and those configured"
    meaning = family.help.replace("|", r"\|")
    if isinstance(family, Histogram):
        meaning += f" Buckets: {', '.join(f'{bound:g}' for bound in family.buckets)}."
    return f"| `{family.name}` | {family.type} | {labels} | {meaning} |\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
