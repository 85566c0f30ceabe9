"""The page about data protection names what the decoders read, all of it and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from exporter import platforms
from exporter.ics.scan import EVENT_LINES
from exporter.platforms.bitrix24.api import LIST_RESOURCE_TYPES, METHODS
from exporter.platforms.bitrix24.oauth import TOKEN_OPERATION
from exporter.platforms.bitrix24.tokenfile import ANSWER_KEYS
from exporter.platforms.calendar.api_errors import ENTRIES, FREE_BUSY, RESOURCE_TYPE
from exporter.platforms.calendar.entries import READ
from exporter.platforms.calendar.ics_reader import FEED
from exporter.platforms.wix.endpoints import Endpoint

PAGE: Final = (Path(__file__).parents[1] / "docs" / "data-protection.md").read_text()
ROWS: Final = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("## What is read")[2].partition("## What is kept")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| call ")
]
PLATFORMS: Final = {"wix": "Wix", "bitrix24": "Bitrix24"}


def words(text: str) -> list[str]:
    return re.findall(r"`([A-Za-z0-9_.-]+)`", text)


def decoders(platform: str) -> Iterator[type[msgspec.Struct]]:
    """Yield what the answers of ``platform`` are decoded into; what is frozen we make ourselves of it."""
    folder = importlib.import_module(f"{platforms.__name__}.{platform}")
    for found in pkgutil.iter_modules(folder.__path__, f"{folder.__name__}."):
        for kind in vars(importlib.import_module(found.name)).values():
            is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == found.name
            if is_struct and not kind.__struct_config__.frozen:
                yield kind


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_page_names_each_field_that_a_decoder_reads_and_no_other(platform: str) -> None:
    read = {name for kind in decoders(platform) for name in kind.__struct_encode_fields__}
    assert read
    assert read == {word for call, fields, _ in ROWS if PLATFORMS[platform] in call for word in words(fields)}


def test_the_page_names_each_call_that_can_be_made_and_no_other() -> None:
    calls = {word for call, *_ in ROWS for word in words(re.sub(r"\(only with .*?\)", "", call))}
    assert {endpoint.operation for endpoint in Endpoint} | {
        *METHODS,
        LIST_RESOURCE_TYPES,
        TOKEN_OPERATION,
        FREE_BUSY,
        ENTRIES,
        RESOURCE_TYPE,
        FEED,
    } == calls


def test_the_page_names_what_a_token_file_holds() -> None:
    (row,) = (row for row in ROWS if TOKEN_OPERATION in row[0])
    assert {*words(row[1]), *words(row[2])} == ANSWER_KEYS


@pytest.mark.parametrize(
    ("operation", "read"),
    [
        (FREE_BUSY, {"FREEBUSY"}),
        (RESOURCE_TYPE, {"resourcetype"}),
        (ENTRIES, set(READ)),
        (FEED, {line.decode() for line in EVENT_LINES}),
    ],
)
def test_the_page_names_each_property_of_a_calendar_that_is_looked_at_and_no_other(operation: str, read: set[str]) -> None:
    (fields,) = (fields for call, fields, _ in ROWS if operation in words(call))
    assert read == set(words(fields))
