"""What the filter of the board finds: whole words before beginnings of words, and fields from end to end."""

from __future__ import annotations

import re
import string
import sys
from collections import Counter
from types import FrameType

import pytest
from msgspec.structs import replace

from exporter.errors import Reason
from exporter.model import CollectorName, ConnectionStatus, ErrorReason
from exporter.policy import TargetPolicy
from exporter.state.snapshot import View
from exporter.texts import texts_in
from exporter.web import status_page as board
from exporter.web.search import FIELDS, exact, without
from tests.harness import views
from tests.harness.views import Target

pytestmark = pytest.mark.slow


def site(name: str, *rows: str, status: ConnectionStatus = ConnectionStatus.SYNCED, **labels: str) -> Target:
    state = views.unpolled(name, "wix", CollectorName.CONNECTIONS)
    reason = ErrorReason.TOKEN_REVOKED if status is ConnectionStatus.ERROR else None
    seen = views.connections(*(views.connection(row, status, error_reason=reason) for row in rows or ("Chair 1",)))
    return views.target_of(name, "wix", [views.succeeded(state, seen)], labels=labels)


def refused(name: str) -> Target:
    entry, states = views.target_of(
        name, "wix", [views.failed(views.unpolled(name, "wix", CollectorName.CONNECTIONS), Reason.AUTH, "no")]
    )
    return replace(entry, policy=TargetPolicy(credential="key")), states


FLEET = (
    site("wix14", city="berlin"),
    site("wix14b", site="salon"),
    site("salon-033", "Chair 1", "Chair 2", site="salon-berlin"),
    site("salon-3", "Chair 3", "Chair 30"),
    site("salon-075", "Sofa", status=ConnectionStatus.ERROR),
    site("salon-076", "Sofa 3", "Sofa of the chair"),
    refused('odd "name" \\ here'),
    refused("refused"),
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("wix14", {"wix14"}),
        ("wix14b", {"wix14b"}),
        ("chair 3", {"salon-3"}),
        ("chair 30", {"salon-3"}),
        ("3 chair", {"salon-3"}),
        ("salon-07", {"salon-075", "salon-076"}),
        ("SALON-075", {"salon-075"}),
        ("berl", {"wix14", "salon-033"}),
        ("city=berlin", {"wix14"}),
        ("city:berlin", {"wix14"}),
        ("revoked", {"salon-075"}),
        ('"chair 2"', {"salon-033"}),
        ("target:wix14", {"wix14"}),
        ("target:WIX14", {"wix14"}),
        ("target:wix1", set()),
        ("site:salon", {"wix14b"}),
        ("site:salon-berlin", {"salon-033"}),
        ("state:critical", {'odd "name" \\ here', "refused"}),
        ("state:warning", {"salon-075"}),
        ("state:crit", set()),
        ("severity:warning", {"salon-075"}),
        ("reason:auth", {'odd "name" \\ here', "refused"}),
        ("reason:token_revoked", {"salon-075"}),
        ("kind:connection_error", {"salon-075"}),
        ("connection:sofa", {"salon-075"}),
        ('connection:"chair 3"', {"salon-3"}),
        ("platform:wix state:critical refused", {"refused"}),
        ("platform:bitrix24", set()),
        ('target:"odd \\"name\\" \\\\ here"', {'odd "name" \\ here'}),
        ('"unclosed', set()),
        ("%", set()),
        ("target:", set()),
        ("(a+)+$ [", set()),
    ],
)
def test_a_filter_finds_exactly(query: str, expected: set[str]) -> None:
    found = board.board_of(views.view_of(*FLEET), query=query)
    assert expected == {shown.status.name for shown in found.targets}


def test_an_empty_filter_leaves_everything() -> None:
    for query in ("", "   "):
        assert len(FLEET) == board.board_of(views.view_of(*FLEET), query=query).matching


def test_words_that_name_a_connection_narrow_the_list_and_others_do_not() -> None:
    fleet = views.view_of(*FLEET)
    for query, rows in (("chair 3", ["Chair 3"]), ("salon-3", ["Chair 3", "Chair 30"]), ("salon-3 chair 30", ["Chair 30"])):
        [shown] = board.board_of(fleet, query=query).targets
        assert rows == [row.connection for row in shown.connections], query


def test_a_state_beside_a_connection_narrows_by_both() -> None:
    [shown] = board.board_of(views.view_of(*FLEET), query='state:healthy "chair 2"').targets
    assert ["Chair 2"] == [row.connection for row in shown.connections]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ["a", "a b", 'a"b', "a\\b", 'a \\" b', "x:y", "ü"])
def test_what_is_written_for_a_field_is_read_as_it_was_meant(field: str, value: str) -> None:
    query = f"word {exact(field, value)}"
    assert "word" == without(query, field)


def comparisons(fleet: View, query: str) -> int:
    """Return how often a word was looked for in a text."""
    counted: Counter[str] = Counter()

    def count(_: FrameType | None, event: str, called: object) -> None:
        if event == "c_call" and isinstance(getattr(called, "__self__", None), re.Pattern):
            counted[getattr(called, "__name__", "")] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        board.board_of(fleet, query=query)
    finally:
        sys.setprofile(before)
    return counted["search"]


@pytest.mark.parametrize("word", ["chair", "Chair CHAIR", "-"])
def test_a_word_that_is_repeated_costs_as_much_as_one(word: str) -> None:
    fleet = views.view_of(*FLEET)
    # Words in capitals are others to the phrase that they may be, which is one more look at each.
    assert 2 * comparisons(fleet, word) + 40 >= comparisons(fleet, f"{word} " * 30)


LETTERS = " ".join(string.ascii_lowercase)


@pytest.mark.parametrize("status", [ConnectionStatus.SYNCED, ConnectionStatus.ERROR])
@pytest.mark.parametrize("query", [f"{LETTERS} zzz", f"{LETTERS[:30]} zzz", f"zzz {LETTERS}", " ".join(map(str, range(140)))])
def test_problems_and_details_are_asked_only_for_words_that_their_target_lacks(query: str, status: ConnectionStatus) -> None:
    rows = [f"Chair {number}" for number in range(20)]
    fleet = views.view_of(*(site(f"salon-{number}", *rows, status=status, site=LETTERS) for number in range(30)))
    # Three readings; in each a target is looked at once for each of 20 words, its 20 parts and 20 problems for what is left.
    assert 3 * 30 * (20 + 20 + 20 + 10) >= comparisons(fleet, query)


@pytest.mark.parametrize(
    ("language", "told"), [("en", "only the first 20 words"), ("de", "nur nach den ersten 20"), ("ru", "20")]
)
def test_of_a_long_list_of_words_the_first_are_looked_for_and_the_page_says_so(language: str, told: str) -> None:
    fleet = views.view_of(site("salon", note=LETTERS))
    page = board.render(fleet, query=f"{LETTERS} zzz", texts=texts_in(language)).decode()
    assert told in page.partition('id="counts"')[2].partition("</form>")[0]
    assert 1 == board.board_of(fleet, query=f"{LETTERS} zzz").matching
    assert 0 == board.board_of(fleet, query=f"zzz {LETTERS}").matching
    assert 0 == board.board_of(fleet, query=" ".join(LETTERS.split()[:20])).words_searched


def test_a_long_filter_costs_little() -> None:
    fleet = views.view_of(*FLEET)
    found = board.board_of(fleet, query="a " * 100_000)
    assert 400 == len(found.query)
