"""Deadlines and caps of the web server against slowloris and other floods: what one client, and all together, may take.

Sizes are bytes. An attacker reaches each of them; a scraper, a probe and a browser stay far below.
"""

from __future__ import annotations

from typing import Final

CONNECTIONS: Final = 256
"""Open at a time, TLS handshakes included, each of which holds some 300 KiB. One more takes the place of the idlest."""

HANDSHAKE_SECONDS: Final = 10.0
"""From the connection to the end of its TLS handshake."""

FIRST_BYTE_SECONDS: Final = 30.0
"""From the connection to its first byte, without TLS."""

HEADER_SECONDS: Final = 30.0
"""From the first byte of a request, or the end of the handshake, to the end of its headers."""

BODY_SECONDS: Final = 30.0
"""From the end of the headers to the end of a body, which nothing of ours reads."""

WRITE_SECONDS: Final = 30.0
"""How long an answer may stand still: for each :data:`PIECE` that the client has to take, and for the last bytes."""

IDLE_SECONDS: Final = 75
"""Between two requests: longer than the usual scrape interval, so that a scraper keeps its connection."""

YOUNG_SECONDS: Final = 1.0
"""So long a new connection is kept rather than one that has had its time."""

HEADER_BYTES: Final = 32 * 1024
SOCKET_BUFFER: Final = 128 * 1024
"""Of the system, each way (Linux doubles it): it would give megabytes to a client that does not read, and would take them for
progress."""

PIECE: Final = 64 * 1024
"""An answer is handed to the system in such pieces, so that a client that does not read holds one, and not a page."""

PAGES_ON_THE_WAY: Final = 32 * 1024 * 1024
"""All the different pages that clients are being sent. Beyond it clients that stand still or take long are hung up on, and who
asks gets a page of the last second that is on its way already."""

LARGEST_PAGE_MULTIPLE: Final = 3
"""So many pages may be on their way however large they are: those of two scrapers, and one more."""

STALLED_SECONDS: Final = 1.0
"""So long nobody has taken anything of a page that stands still."""

SLOW_SECONDS: Final = 5.0
"""So long a page is on its way that takes long: half of Prometheus' usual deadline for a scrape."""

SIGN_INS: Final = 256
"""Different passwords that wait to be checked: one for each connection."""
