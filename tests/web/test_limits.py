"""The limits for clients are the numbers that docs/web.md promises; that each is kept is tested with smaller ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from exporter.web import limits

KIB: Final = 1024
PAGE: Final = (Path(__file__).parents[2] / "docs" / "web.md").read_text()
ROWS: Final = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", PAGE.partition("\n## Limits for clients\n")[2], re.MULTILINE))


@pytest.mark.parametrize(
    ("what", "said", "promised", "kept"),
    [
        ("connections, handshakes included", "256,", (256,), (limits.CONNECTIONS,)),
        ("time until the end of the TLS handshake", "10 s", (10,), (limits.HANDSHAKE_SECONDS,)),
        ("time until the first byte, without TLS", "30 s", (30,), (limits.FIRST_BYTE_SECONDS,)),
        ("a request's headers", "30 s, 32 KiB ", (30, 32 * KIB), (limits.HEADER_SECONDS, limits.HEADER_BYTES)),
        ("a request's body, which is never used", "30 s", (30,), (limits.BODY_SECONDS,)),
        (
            "an answer that the client does not read",
            "30 s for each 64 KiB",
            (30, 64 * KIB),
            (limits.WRITE_SECONDS, limits.PIECE),
        ),
        ("idle time between requests", "75 s", (75,), (limits.IDLE_SECONDS,)),
        (
            "different pages on their way to clients",
            "32 MiB, or three of the largest",
            (32 * KIB * KIB, 3),
            (limits.PAGES_ON_THE_WAY, limits.LARGEST_PAGE_MULTIPLE),
        ),
        ("passwords that wait to be checked", "256", (256,), (limits.SIGN_INS,)),
    ],
)
def test_a_limit_for_clients_is_what_the_document_says(
    what: str, said: str, promised: tuple[float, ...], kept: tuple[float, ...]
) -> None:
    assert promised == kept
    assert ROWS[what].startswith(said)


def test_a_client_has_a_second_before_it_counts_as_silent_or_still_and_5_before_it_counts_as_slow() -> None:
    assert (1, 1, 5) == (limits.YOUNG_SECONDS, limits.STALLED_SECONDS, limits.SLOW_SECONDS)
    for words in ("not signed in and silent for a second", "no client has read from for a second", "take longer than 5 s"):
        assert words in PAGE
