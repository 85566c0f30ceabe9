"""docs/status-api.md says what the fields of ``/api/v1/status`` hold: all of a problem, and of what the checks find."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest

from exporter.web.check_types import Probes, Staff
from exporter.web.events_types import Events
from exporter.web.slots_types import Slots
from exporter.web.status_types import CalendarConnection, Connections, Links, Problem
from tests.monitoring.bundle import ROOT

PAGE = (ROOT / "docs" / "status-api.md").read_text()


def fields_of(kind: Any, seen: set[type]) -> Iterator[str]:  # noqa: ANN401  an annotation
    """Yield every name of a field of ``kind`` and of what it holds."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind not in seen:
            seen.add(kind)
            for field in msgspec.structs.fields(kind):
                yield field.encode_name
                yield from fields_of(field.type, seen)
        return
    for inner in get_args(kind):
        yield from fields_of(inner, seen)


@pytest.mark.parametrize("kind", [CalendarConnection, Connections, Events, Links, Probes, Problem, Slots, Staff])
def test_the_page_names_every_field_of_a_part(kind: type[msgspec.Struct]) -> None:
    named = {word for quoted in re.findall(r"`([^`]+)`", PAGE) for word in re.findall(r"\w+", quoted)}
    assert [] == sorted(set(fields_of(kind, set())) - named)
