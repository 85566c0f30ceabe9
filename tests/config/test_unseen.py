"""Characters that nobody sees, in each text of the configuration that people read: refused, with place and code point."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config import load_config
from exporter.errors import ConfigError, ConfigProblem
from exporter.support.invisible import first_invisible
from exporter.web import WebConfig

pytestmark = pytest.mark.slow

SHOWN = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
CATEGORIES = {"Cc", "Cf", "Zl", "Zp", "Co"}  # a surrogate is no UTF-8
UNSEEN = [
    letter
    for letter in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(letter) in CATEGORIES and letter not in SHOWN + "\n\t\r"
]
HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"


HERE = "HERE"
WIX: dict[str, Any] = {"name": "salon", "platform": "wix", "site_id": "12345678-9abc-4def-8123-456789abcdef", "api_key": "k"}
PORTAL: dict[str, Any] = {
    "name": "portal",
    "platform": "bitrix24",
    "webhook_url": "https://portal.example/rest/1/abcdefgh12345678/",
}
SITE = {"labels": {"site": "a"}}
# What stands there besides, of the Wix target, of the portal, and at the top.
PLACES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "targets[0].name": ({"name": HERE}, {}, {}),
    "targets[0].aliases.s": ({"aliases": {"s": HERE}}, {}, {}),
    "targets[0].labels.owner": ({"labels": {"owner": HERE}}, {}, {}),
    "targets[1].resource_aliases.7": ({}, {"resource_aliases": {"7": HERE}}, {}),
    "targets[0].accepted[0].why": ({"accepted": [{"connection": "Chair 1", "why": HERE}]}, {}, {}),
    "targets[0].accepted[0].connection": ({"accepted": [{"connection": HERE, "why": "few"}]}, {}, {}),
    "site_users.a[0]": (SITE, {}, {"site_users": {"a": [HERE]}}),
    "operators[0]": ({}, {}, {"operators": [HERE]}),
    "site_users": (SITE, {}, {"site_users": {HERE: ["anna"]}}),
    "targets[1].resource_aliases": ({}, {"resource_aliases": {HERE: "Chair 1"}}, {}),
    "targets[0].accepted[0].booking": ({"accepted": [{"booking": HERE, "why": "few"}]}, {}, {}),
    "targets[1].collectors.bookings.overlapping_resources[0]": (
        {},
        {"collectors": {"bookings": {"overlapping_resources": [HERE]}}},
        {},
    ),
}


def written(value: Any, text: str) -> Any:  # noqa: ANN401  whatever YAML has
    """Return ``value`` with ``text`` in the place that is marked."""
    if isinstance(value, dict):
        return {written(key, text): written(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [written(item, text) for item in value]
    return text if value == HERE else value


def problems(place: str, text: str) -> list[ConfigProblem]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "exporter.yml"
        wix, portal, top = PLACES[place]
        file.write_text(yaml.safe_dump(written({"targets": [WIX | wix, PORTAL | portal], **top}, text)))
        try:
            load_config(file, {})
        except ConfigError as error:
            return list(error.problems)
        return []


@pytest.mark.parametrize("place", PLACES)
@given(letter=st.sampled_from(UNSEEN))
@settings(deadline=None, max_examples=40)  # shared machines stall
def test_each_is_refused_in_each_text_that_people_read(place: str, letter: str) -> None:
    found = [problem for problem in problems(place, f"ab{letter}c") if "an invisible character" in problem.message]
    assert [f"U+{ord(letter):04X}"] == [problem.message.split()[1].rstrip(",") for problem in found]
    (problem,) = found
    assert problem.message.endswith("an invisible character, at position 3")
    assert "remove it, or type the value again" == problem.fix
    assert problem.path.startswith(place)
    assert problem.line
    assert "" == first_invisible(str(problem))


def test_a_character_is_counted_where_it_is_not_needed_and_not_where_the_same_one_is() -> None:
    (problem,) = problems(next(iter(PLACES)), "\U0001f469\u200d\U0001f527 a\u200db")
    assert problem.message.endswith("holds U+200D ZERO WIDTH JOINER, an invisible character, at position 6")


@pytest.mark.parametrize("place", list(PLACES)[:8])
@pytest.mark.parametrize("text", ["می‌خواهم", "ශ්‍රී", "\U0001f469\u200d\U0001f527", "葛\U000e0100", "\u2764\ufe0f"])
def test_what_languages_and_emoji_need_is_taken(place: str, text: str) -> None:
    assert [] == problems(place, text)


@pytest.mark.parametrize("name", ["anna\u200b", "\u202eanna", "an\xadna"])
def test_a_user_of_the_web_configuration_is_seen_as_well_since_it_could_be_named_nowhere_else(
    name: str, tmp_path: Path
) -> None:
    file = tmp_path / "web.yml"
    file.write_text(yaml.safe_dump({"basic_auth_users": {name: HASH}}))
    with pytest.raises(ConfigError, match=r"a user name holds U\+[0-9A-F]{4} [A-Z -]+, an invisible character"):
        WebConfig.load(file)
