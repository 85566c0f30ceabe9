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

`GET /metrics` speaks the Prometheus text format 0.0.4 and OpenMetrics 1.0.0; `?target=NAME` (repeatable) narrows the page.
`/site/NAME/metrics` has the targets of one site, and of the exporter itself only `booking_sync_time_seconds`,
`booking_sync_ready` (of that site's collectors) and `booking_sync_standby`; `booking_sync_credential_info`, which tells of the
operator's machine, is left out. See [web.md](web.md#a-board-for-one-customer).

What every family keeps to:

- **Fresh or absent.** A failed poll sets `booking_sync_collector_up` to 0 at once. Its last good data stays until `max_age`;
  then the series vanish and `booking_sync_collector_data_expired` is 1. An error never becomes a zero.
- **States are one series per known value**, exactly one of them 1. A word that a platform invents later is `unknown`.
  `booking_sync_collector_failing` is the exception: only the reason that holds has a series, and none does while the collector
  is up. An alert on it needs `for`: functions over a range do not see the moments without a series.
- **Counters exist with 0 from the start** and live as long as the process, also across reloads.
- **Moments, not ages**: a timestamp is Unix time in seconds; the age is `time()` minus it.
- **Absent is not 0**: what a target cannot fill (Wix bookings that are only counted have no conflicts) has no series.
- **Bounded.** Of a target with more than {CONNECTION_SERIES.number:,} connections (`max_connections`) that many are shown one
  by one, {_PER_CONNECTION} series each: those that do not work first of all. The aggregate `booking_sync_connections` still
  counts all of them, and `booking_sync_collector_series_dropped` says how many have no series of their own. The same holds
  for {PROVIDER_SERIES.number} providers, and for the resources of `per_resource`. All other words of a platform come from
  closed lists; see [limits.md](limits.md).
- **No names of people.** `connection` is the alias of its schedule, or the first 12 hexadecimal digits of the SHA-256 of
  the API's id.

Three queries to begin with:

```promql
# Connections that are broken, with the reason
booking_sync_connection_error == 1

# Since how many seconds has each connection had its present status
time() - booking_sync_connection_status_since_timestamp_seconds

# Bookings of the next day, with the site that the target belongs to (a label from the configuration)
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
    parts.append(f"\n## Label values\n\nThese lists are closed.\n\n| label | values |\n|---|---|\n{values}")
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
