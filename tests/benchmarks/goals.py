"""Every goal that a benchmark is held to: a figure takes its goal from here, and ``docs/benchmarks.md`` has a row for each.

A goal that cannot be reached stays and says "missed": what limits it stands beside the figure that measures it.
"""

from __future__ import annotations

from typing import Final

from tests.benchmarks.figures import Goal

_ASGI: Final = "make_asgi_app"
_READING: Final = "bitrix24_reading"
_FAST: Final = "fast_bitrix24"

WIX_SERIES: Final = Goal("series of a Wix target with four connections and its default checks", "series", 220, "series")
SCRAPE_ALL: Final = Goal("gzip scrape, 100k series, all targets changed: CPU", "metrics_page", 0.05, of=_ASGI)
SCRAPE_SOME: Final = Goal("gzip scrape, 100k series, 1 % of the targets changed: CPU", "metrics_page", 0.01, of=_ASGI)
SCRAPE_SAME: Final = Goal("gzip scrape, 100k series, nothing changed: CPU", "metrics_page", 0.002, of=_ASGI)
SCRAPERS_WAIT: Final = Goal("eight scrapers at once, 100k series: p99 of their waits", "scrapers", 250, "ms")
SCRAPERS_FAIL: Final = Goal("eight scrapers at once, 100k series: failed scrapes", "scrapers", 0, "scrapes", worst=True)
SCRAPE_BESIDE_POLL: Final = Goal("scrape while 100k bookings are polled: p99", "scrapers", 3, of="idle")

BOOKINGS_10K: Final = Goal("10k bookings of a portal, warm: CPU", _READING, 1 / 3, of=_FAST)
BOOKINGS_100K: Final = Goal("100k bookings of a portal: CPU", _READING, 1 / 4, of=_FAST)
BOOKINGS_100K_MEMORY: Final = Goal("100k bookings of a portal: memory at its peak, above idle", _READING, 50, "MiB", worst=True)
BOOKINGS_HELD: Final = Goal("100k bookings of a portal: the loop held at most", _READING, 20, "ms", worst=True)
LINKS_TIME: Final = Goal("10k links of a portal, cold: time", "bitrix24_links", 1.3, of="the budget's bound")
LINKS_REFUSED: Final = Goal("10k links of a portal, cold: calls refused", "bitrix24_links", 0, "calls", worst=True)

START: Final = Goal("two targets, exec to the first page: CPU", "start", 2, of="start_http_server + httpx")
IDLE_MEMORY: Final = Goal("two targets, idle: memory", "start", 70, "MiB")
VERSION_CPU: Final = Goal("booking-sync-exporter --version: CPU", "start", 0.2, "s")
HEALTHCHECK_CPU: Final = Goal("booking-sync-exporter healthcheck: CPU", "start", 0.2, "s")
HEALTHY_FIRST: Final = Goal(
    "5,500 targets: exec to the first /-/healthy, against the configuration being built",
    "configuration",
    1,
    of="until the configuration is built",
    worst=True,
)
CONFIGURATION: Final = Goal("5,500 targets: configuration built: CPU", "configuration", 2.5, "s")
RELOAD: Final = Goal("5,500 targets: reload with one changed target: CPU", "configuration", 1, "s")
RELOAD_STALL: Final = Goal("5,500 targets: the loop held at most beside a reload", "configuration", 50, "ms", worst=True)

FLEET_CPU: Final = Goal("5,000 + 500 targets, 500 pairs, ten minutes, TLS: share of a core", "fleet", 40, "% of a core")
FLEET_MEMORY: Final = Goal("5,000 + 500 targets, 500 pairs, ten minutes, TLS: memory at its peak", "fleet", 600, "MiB")
FLEET_FAILED: Final = Goal("5,000 + 500 targets, 500 pairs, ten minutes, TLS: failed polls", "fleet", 0, "polls")
FLEET_LATE: Final = Goal(
    "5,000 + 500 targets, 500 pairs, ten minutes, TLS: the latest poll outside of the stopped minute", "fleet", 3, "s"
)
FLEET_SCRAPED: Final = Goal(
    "5,000 + 500 targets, 500 pairs, ten minutes, TLS: scrapes outside of the stopped minute that failed", "fleet", 0, "scrapes"
)

CHECKS_CPU: Final = Goal(
    "500 + 500 targets with every check, twenty minutes: share of a core", "every_check", 40, "% of a core"
)
CHECKS_REFUSED: Final = Goal("500 + 500 targets with every check: calls refused by a limit", "every_check", 0, "calls")
CHECKS_FAILED: Final = Goal("500 + 500 targets with every check: failed polls", "every_check", 0, "polls")
CHECKS_BUSIEST: Final = Goal(
    "500 + 500 targets with every check: requests to a site in its busiest minute", "every_check", 100, "requests"
)

HOSTILE_TEXT: Final = Goal("16 MiB of JSON that a hostile server sends: CPU", "cut_texts", 1_000, "ms", worst=True)
CONNECTIONS_HELD: Final = Goal("5,000 Wix connections polled: the loop held at most", "wix_connections", 50, "ms", worst=True)
FEED_CPU: Final = Goal("a calendar's feed of 10,000 entries: CPU in the process that reads feeds", "ics_feeds", 1.5, "s")
STATE_HELD: Final = Goal("state of 5,500 targets saved: the loop held at most", "state_file", 50, "ms", worst=True)
STATE_HELD_FULL: Final = Goal("state file at its cap saved: the loop held at most", "state_file", 250, "ms", worst=True)
STATE_MEMORY: Final = Goal("state file at its cap saved: memory above idle", "state_file", 200, "MiB", worst=True)
PAIR_POLL: Final = Goal(
    "a calendar of 10,000 busy times and 500 bookings, by free-busy: CPU of a whole poll", "calendar_poll", 100, "ms"
)
PAIR_JUDGED: Final = Goal("a pair of 500 bookings and 10,000 busy times: all its polls judged: CPU", "pairs", 50, "ms")
PAIR_WORST: Final = Goal(
    "a pair of 500 bookings and 10,000 busy times, none of them of a booking: all its polls judged: CPU", "pairs", 150, "ms"
)
PAIRS_JUDGED: Final = Goal("500 pairs of the usual size: a poll of each end of each judged: CPU", "pairs", 1_500, "ms")

# In the order of the document.
GOALS: Final = (
    WIX_SERIES,
    SCRAPE_ALL,
    SCRAPE_SOME,
    SCRAPE_SAME,
    SCRAPERS_WAIT,
    SCRAPERS_FAIL,
    SCRAPE_BESIDE_POLL,
    BOOKINGS_10K,
    BOOKINGS_100K,
    BOOKINGS_100K_MEMORY,
    BOOKINGS_HELD,
    LINKS_TIME,
    LINKS_REFUSED,
    START,
    IDLE_MEMORY,
    VERSION_CPU,
    HEALTHCHECK_CPU,
    HEALTHY_FIRST,
    CONFIGURATION,
    RELOAD,
    RELOAD_STALL,
    FLEET_CPU,
    FLEET_MEMORY,
    FLEET_FAILED,
    FLEET_LATE,
    FLEET_SCRAPED,
    CHECKS_CPU,
    CHECKS_REFUSED,
    CHECKS_FAILED,
    CHECKS_BUSIEST,
    HOSTILE_TEXT,
    CONNECTIONS_HELD,
    FEED_CPU,
    STATE_HELD,
    STATE_HELD_FULL,
    STATE_MEMORY,
    PAIR_POLL,
    PAIR_JUDGED,
    PAIR_WORST,
    PAIRS_JUDGED,
)
