"""What a view shows of one site."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from exporter.errors import Reason
from exporter.model import ApiUsage, CollectorName
from exporter.policy import TargetPolicy
from exporter.state.snapshot import Snapshot, View
from exporter.web.status_page import board_of, render
from tests.harness import views
from tests.harness.two_sites import MINE, THEIRS, alone, mine, theirs, together


def test_of_one_site_everything_is_as_if_there_were_no_other() -> None:
    assert alone() == together().of_site(MINE)


def test_a_collector_of_another_site_that_has_not_been_polled_does_not_make_a_site_wait() -> None:
    assert not together().ready
    assert together().of_site(MINE).ready


@pytest.mark.parametrize("site", ["", "nowhere", MINE.lower(), MINE + " ", "Salon Mitte: 100% #1 & So\u0308hne?"])
def test_a_name_that_is_not_letter_by_letter_the_label_s_is_another_site(site: str) -> None:
    assert () == together().of_site(site).targets


def test_a_target_without_the_label_belongs_to_no_site() -> None:
    view = views.view_of(views.target_of("lonely", "wix", [], labels={"owner": "anna"}))
    assert () == view.of_site("anna").targets
    assert () == view.of_site("").targets


def test_a_site_shows_what_was_decided_to_be_shown_of_a_view_and_hides_a_field_that_is_added() -> None:
    # Who adds a field decides what of it is a customer's matter, in View.of_site, and names it here.
    assert (
        "at",
        "targets",
        "missing",
        "standby",
        "config_warnings",
        "rejected_config",
        "remembers",
        "accepted_warnings",
        "discoveries",
        "shard",
    ) == View.__struct_fields__
    shown = replace(together(), standby=True).of_site(MINE)
    assert msgspec.structs.replace(alone(), standby=True) == shown


@pytest.mark.slow
def test_a_site_does_not_learn_where_on_the_operators_machine_its_credential_lies() -> None:
    policy = TargetPolicy(credential="/run/secrets/key-of-all-salons")
    shared = [
        views.target_of(
            name,
            "wix",
            [views.failed(views.unpolled(name, "wix", CollectorName.CONNECTIONS), Reason.AUTH, "refused")],
            labels={"site": MINE},
            policy=policy,
        )
        for name in ("first", "second")
    ]
    whole = views.view_of(*shared)
    assert b"key-of-all-salons" in render(whole)
    assert b"key-of-all-salons" not in render(whole.of_site(MINE), site=MINE)
    assert [1] == [len(board_of(whole.of_site(MINE), site=MINE).cards)]


def test_a_snapshot_makes_the_view_of_a_site_from_its_targets_alone() -> None:
    snapshot, asked = Snapshot(), []
    for entry, states in (mine(), theirs(1)):

        def usage(name: str = entry.name) -> ApiUsage:
            asked.append(name)
            return ApiUsage()

        snapshot.put_target(replace(entry, usage=usage), states)
    view = snapshot.view(views.NOW, site=MINE)
    assert ["salon-mitte"] == asked
    assert ["salon-mitte"] == [target.name for target in view.targets]
    assert () == view.missing
    assert [THEIRS + "-1"] == [target.name for target in snapshot.view(views.NOW, site=THEIRS).targets]


def test_a_target_that_is_relabelled_is_in_its_new_site_at_once_and_no_longer_in_the_old_one() -> None:
    snapshot = Snapshot()
    entry, states = mine()
    snapshot.put_target(entry, states)
    snapshot.relabel(replace(entry, labels={"site": THEIRS}))
    assert () == snapshot.view(views.NOW, site=MINE).targets
    assert ["salon-mitte"] == [target.name for target in snapshot.view(views.NOW, site=THEIRS).targets]
