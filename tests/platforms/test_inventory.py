"""Names that are suggested for a configuration are names that it takes."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from exporter.errors import AuthError, NetworkError, PermissionDeniedError, PollError, ServerError
from exporter.fields.kinds import Text
from exporter.platforms.inventory import Gap, Gaps, Inventory, Listing, SuggestedNames, suggested
from exporter.platforms.wix.advice import ADVICE
from exporter.support.known_secrets import KnownSecrets

TAKEN = TypeAdapter(dict[Annotated[str, Text], Annotated[str, Text]])


def test_each_name_is_given_once_and_the_second_of_it_gets_a_number() -> None:
    assert {"1": "Anna", "2": "Anna (2)", "3": "Anna (3)"} == suggested([("3", "Anna"), ("1", "Anna"), ("2", "Anna")], {})


def test_what_the_configuration_says_already_is_kept_whatever_the_case_of_the_id() -> None:
    assert {"AB": "Chair 1", "cd": "Anna", "gone": "Old"} == suggested(
        [("ab", "Berta"), ("cd", "Anna")], {"AB": "Chair 1", "gone": "Old"}
    )


def test_a_suggested_name_is_not_one_that_is_configured_for_another_id() -> None:
    assert {"1": "Anna", "2": "Anna (2)"} == suggested([("2", "Anna")], {"1": "Anna"})


@pytest.mark.parametrize(
    ("key", "name"), [("1", ""), ("1", " \u3000"), ("", "Anna"), ("a b", "Anna"), ("é", "Anna"), ("x" * 101, "A")]
)
def test_who_has_no_name_or_no_id_that_can_be_written_gets_none(key: str, name: str) -> None:
    assert {} == suggested([(key, name)], {})


@pytest.mark.slow
@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=120))))
def test_whatever_accounts_call_things_the_configuration_takes_it(found: list[tuple[str, str]]) -> None:
    told = Inventory(names=(SuggestedNames("aliases", tuple(found)),)).map_texts(KnownSecrets().sanitized)
    names = suggested(told.names[0].found, {})
    assert names == TAKEN.validate_python(names)
    assert len(names) == len(set(names.values())), "two of one name are refused"


async def gaps_after(*errors: PollError | None) -> tuple[Gap, ...]:
    """Return the gaps of reading one thing after the other; ``None`` is one that can be read."""

    async def thing(error: PollError | None) -> str:
        if error is not None:
            raise error
        return "fine"

    async def script() -> tuple[Gap, ...]:
        gaps = Gaps(ADVICE, "Grant it.")
        for number, error in enumerate(errors):
            await gaps.read(f"thing {number}", partial(thing, error), "", permission="P")
        return gaps.found

    return await script()


async def test_a_missing_permission_is_called_by_its_name_and_the_rest_is_read() -> None:
    assert (Gap("thing 0", "the permission P is missing (HTTP 403, NO)", "Grant it."),) == await gaps_after(
        PermissionDeniedError("no", status=403, code="NO"), None
    )


@pytest.mark.parametrize("error", [AuthError("wrong key"), NetworkError("no connection")])
async def test_what_is_of_the_whole_account_ends_all_reading_and_is_told_once(error: PollError) -> None:
    (gap,) = await gaps_after(error, ServerError("never asked"), None)
    assert ("thing 0, thing 1, thing 2", error.message) == (gap.what, gap.message)
    assert gap.fix, "somebody can mend it"


async def test_a_fault_of_one_thing_does_not_end_the_reading() -> None:
    assert ["thing 0"] == [gap.what for gap in await gaps_after(ServerError("trouble"), None)]


def test_no_text_of_an_inventory_passes_the_gate_unmasked() -> None:
    secret = "planted-credential-7781"
    known = KnownSecrets()
    known.hold("test", [secret])
    inventory = Inventory(
        (Listing("staff", ("id", "name"), ((secret, f"\x1b[31m{secret}"),)),),
        (SuggestedNames("aliases", ((secret, secret),)),),
        (Gap("staff", secret, secret),),
    )
    told = repr(inventory.map_texts(known.sanitized))
    assert secret not in told
    assert "\\x1b" in told
