"""Pairs in the running exporter: polls bring them, reloads change them, restarts remember them, and nothing else needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.proof import Arrival, Proof, ProofState
from exporter.state.pairs import Pairs
from tests.harness.application import RunningApplication, driven
from tests.harness.own_calendar import Owner, an_owner, pass_minutes, proofs, until, watched
from tests.harness.typed import typed


@pytest.fixture
async def owner(tmp_path: Path) -> AsyncIterator[Owner]:
    """Anna, with five bookings that have arrived in her calendar."""
    async with an_owner(tmp_path) as anna:
        yield anna


def only(app: RunningApplication) -> Proof:
    (proof,) = proofs(app)
    return proof


def broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def of_week(proof: Proof) -> dict[Arrival, int]:
    return {state: number for row in proof.windows if row.window == "next_7d" for state, number in row.bookings.items()}


def reads(app: RunningApplication, target: str) -> int:
    return next(state.finished_polls for row in app.app.view().targets if row.name == target for state in row.collectors)


async def test_bookings_that_are_in_the_calendar_prove_the_pair(owner: Owner) -> None:
    async with watched(owner) as app:
        await until(app, lambda: bool(proofs(app)))
        proof = only(app)
        assert ("anna", ProofState.PROVED) == (proof.pair, proof.state)
        assert {Arrival.ARRIVED: 5, Arrival.MISSING: 0, Arrival.PENDING: 0} == of_week(proof)


async def test_a_booking_that_does_not_arrive_is_pending_for_the_grace_and_missing_after_it(owner: Owner) -> None:
    async with watched(owner) as app:
        await until(app, lambda: bool(proofs(app)))
        lost = owner.book(8, arrives=False)
        made = owner.clock.now
        await until(app, lambda: of_week(only(app))[Arrival.PENDING] == 1)
        await until(app, lambda: of_week(only(app))[Arrival.MISSING] == 1)
        assert 600 <= owner.clock.now - made <= 600 + 3 * 60
        proof = only(app)
        assert (ProofState.BROKEN, [lost]) == (proof.state, [row.booking for row in proof.missing])
        owner.calendar.busy.append((proof.missing[0].start, proof.missing[0].end))
        await until(app, lambda: of_week(only(app))[Arrival.ARRIVED] == 6)
        assert () == only(app).missing


async def test_how_late_a_booking_arrived_is_counted_once_and_goes_with_its_pair(owner: Owner) -> None:
    count = 'proof_lag_seconds_count{pair="anna"}'
    async with watched(owner) as app:
        await until(app, lambda: bool(proofs(app)))
        assert 0 == (await app.samples())[count]
        owner.book(8, arrives=False)
        await until(app, lambda: of_week(only(app))[Arrival.PENDING] == 1)
        await pass_minutes(app, 3)
        owner.arrive()
        await until(app, lambda: of_week(only(app))[Arrival.ARRIVED] == 6)
        await pass_minutes(app, 2)
        samples = await app.samples()
        assert 1 == samples[count]
        assert 180 <= samples['proof_lag_seconds_sum{pair="anna"}'] <= 360
        owner.config(pairs=[])
        await driven(app, app.app.reload())
        assert count not in await app.samples()


async def test_a_calendar_that_cannot_be_read_makes_no_booking_missing_and_ends_what_is_said(owner: Owner) -> None:
    async with watched(owner) as app:
        await until(app, lambda: bool(proofs(app)))
        owner.calendar.busy.clear()
        owner.calendar.status = 401
        began = owner.clock.now
        while proofs(app):
            assert 0 == of_week(only(app))[Arrival.MISSING]
            await app.pass_time(1.0)
        assert 240 <= owner.clock.now - began <= 420  # three intervals are 3m, at least 5m, of the newest read
        assert 5 == next(row.bookings for row in counted(app) if row.window.name == "next_7d")


def counted(app: RunningApplication) -> Any:  # noqa: ANN401  windows
    salon = next(target for target in app.app.view().targets if target.name == "salon")
    return next(getattr(state.observation, "windows", ()) for state in salon.collectors)


async def test_a_restart_remembers_what_was_proved_and_what_was_missing(owner: Owner, tmp_path: Path) -> None:
    config = owner.config(state_file=str(tmp_path / "state.json"))
    async with watched(owner, config) as app:
        await until(app, lambda: bool(proofs(app)))
        owner.book(8, arrives=False)
        await until(app, lambda: of_week(only(app))[Arrival.MISSING] == 1)
        since = only(app).missing[0].since
    owner.calendar.busy.clear()  # what proved the pair is not there to prove it again
    async with watched(owner, config) as app:
        await until(app, lambda: bool(proofs(app)))
        assert ProofState.BROKEN is only(app).state
        assert since == pytest.approx(only(app).missing[0].since, abs=1)


async def test_another_calendar_on_the_same_host_is_another_one_after_a_restart_and_after_a_reload(
    owner: Owner, tmp_path: Path
) -> None:
    config = owner.config(state_file=str(tmp_path / "state.json"))
    async with watched(owner, config) as app:
        await until(app, lambda: bool(proofs(app)))
        assert ProofState.PROVED is only(app).state
    owner.calendar.busy.clear()
    owner.place = "/anna/private/"
    owner.config(state_file=str(tmp_path / "state.json"))
    async with watched(owner, config) as app:
        await until(app, lambda: bool(proofs(app)))
        assert (ProofState.LEARNING, 0) == (only(app).state, only(app).arrived_in_all)
        owner.arrive()
        await until(app, lambda: only(app).state is ProofState.PROVED)
        owner.calendar.busy.clear()
        owner.place = "/anna/main/"
        owner.config(state_file=str(tmp_path / "state.json"))
        await driven(app, app.app.reload())
        await until(app, lambda: bool(proofs(app)))
        assert (ProofState.LEARNING, 0) == (only(app).state, only(app).arrived_in_all)


async def test_a_new_password_for_the_same_calendar_keeps_what_a_pair_knows(owner: Owner, tmp_path: Path) -> None:
    config = owner.config(state_file=str(tmp_path / "state.json"))
    async with watched(owner, config) as app:
        await until(app, lambda: bool(proofs(app)))
        owner.password = "another-password"
        owner.config(state_file=str(tmp_path / "state.json"))
        await driven(app, app.app.reload())
        await until(app, lambda: bool(proofs(app)), 240)
        assert (ProofState.PROVED, 5) == (only(app).state, only(app).arrived_in_all)
    owner.calendar.busy.clear()
    owner.password = "a-third-password"
    owner.config(state_file=str(tmp_path / "state.json"))
    async with watched(owner, config) as app:
        await until(app, lambda: bool(proofs(app)))
        assert 5 == only(app).arrived_in_all


async def test_without_a_state_file_a_restart_learns_anew(owner: Owner) -> None:
    async with watched(owner) as app:
        await until(app, lambda: bool(proofs(app)))
    owner.calendar.busy.clear()
    async with watched(owner) as app:
        await pass_minutes(app, 15)
        assert (ProofState.LEARNING, 0) == (only(app).state, of_week(only(app))[Arrival.MISSING])


async def test_the_state_file_forgets_a_pair_that_is_no_longer_configured(owner: Owner, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    config = owner.config(state_file=str(path))
    async with watched(owner, config) as app:
        await until(app, lambda: bool(proofs(app)))
    assert ["anna"] == list(yaml.safe_load(path.read_text())["pairs"])
    owner.config(state_file=str(path), pairs=[])
    async with watched(owner, config) as app:
        await pass_minutes(app, 1)
        assert () == proofs(app)
    assert "pairs" not in yaml.safe_load(path.read_text())


async def test_a_pair_that_a_reload_brings_is_read_without_a_new_session(owner: Owner) -> None:
    config = owner.config(pairs=[])
    async with watched(owner, config) as app:
        session = app.app._live["salon"].session
        assert () == proofs(app)
        owner.config()
        await driven(app, app.app.reload())
        await until(app, lambda: bool(proofs(app)), 240)
        assert session is app.app._live["salon"].session
        owner.config(pairs=[])
        await driven(app, app.app.reload())
        assert () == proofs(app)


async def test_a_reload_that_changes_another_thing_keeps_what_a_pair_knows(owner: Owner) -> None:
    async with watched(owner) as app:
        await until(app, lambda: bool(proofs(app)))
        before = only(app)
        owner.config(verdicts={"intake_silent": {"least": 7}})
        await driven(app, app.app.reload())
        assert (before.state, before.since, before.arrived_in_all) == (
            only(app).state,
            only(app).since,
            only(app).arrived_in_all,
        )


async def test_a_pair_that_gets_another_name_keeps_what_it_knows_at_a_reload_and_over_a_restart(
    owner: Owner, tmp_path: Path
) -> None:
    def named(name: str) -> Path:
        pair = {"name": name, "bookings": {"target": "salon", "resource": "Anna"}, "calendar": "anna-cal", "grace": "10m"}
        return owner.config(pairs=[pair], state_file=str(tmp_path / "state.json"))

    async with watched(owner, named("anna")) as app:
        await until(app, lambda: bool(proofs(app)))
        owner.calendar.busy.clear()  # what proved the pair is not there to prove it again
        named("anna-schmidt")
        await driven(app, app.app.reload())
        await until(app, lambda: bool(proofs(app)))
        assert ("anna-schmidt", ProofState.PROVED, 5) == (only(app).pair, only(app).state, only(app).arrived_in_all)
    async with watched(owner, named("front desk")) as app:
        await until(app, lambda: bool(proofs(app)))
        assert ("front desk", True, 5) == (only(app).pair, only(app).judges, only(app).arrived_in_all)
    assert ["front desk"] == list(yaml.safe_load((tmp_path / "state.json").read_text())["pairs"])


async def test_a_reload_that_is_refused_leaves_the_pairs_as_they_were(owner: Owner) -> None:
    async with watched(owner) as app:
        await until(app, lambda: bool(proofs(app)))
        before = dict(app.factory.paired.of("salon"))
        owner.config(pairs=[{"name": "x", "bookings": {"target": "nobody", "resource": "Anna"}, "calendar": "anna-cal"}])
        with pytest.raises(Exception, match="nobody"):
            await driven(app, app.app.reload())
        await pass_minutes(app, 2)
        assert (before, 1) == (app.factory.paired.of("salon"), len(proofs(app)))


async def test_a_target_that_is_replaced_says_nothing_of_its_pair_until_it_was_read(owner: Owner) -> None:
    async with watched(owner) as app:
        await until(app, lambda: bool(proofs(app)))
        config = owner.config()
        content = yaml.safe_load(config.read_text())
        content["targets"][1]["timeout"] = "59s"
        config.write_text(yaml.safe_dump(content))
        await driven(app, app.app.reload())
        await until(app, lambda: bool(proofs(app)), 240)
        assert ProofState.PROVED is only(app).state


async def test_a_bug_in_the_judgement_of_pairs_costs_the_pairs_alone(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pairs, "observed", broken)
    async with watched(owner) as app:
        await pass_minutes(app, 3)
        assert () == proofs(app)
        assert 2 <= min(reads(app, "salon"), reads(app, "anna-cal"))
        assert 'booking_sync_collector_up{target="salon",platform="wix",collector="bookings"} 1.0' in await app.page()


async def test_a_bug_in_what_pairs_say_costs_no_page_and_no_reload(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pairs, "proofs", broken)
    monkeypatch.setattr(Pairs, "arrange", broken)
    async with watched(owner) as app:
        assert () == proofs(app)
        owner.config(verdicts={"intake_silent": {"least": 7}})
        await driven(app, app.app.reload())
        assert "booking_sync_collector_up" in await app.page()


async def test_who_may_see_the_site_of_the_bookings_alone_sees_its_pairs(owner: Owner) -> None:
    async with watched(owner) as app:
        await until(app, lambda: bool(proofs(app)))
        (target,) = app.app.view("berlin").targets
        assert ("salon", ["anna"]) == (target.name, [proof.pair for proof in target.pairs])


async def test_a_standby_judges_nothing_and_takes_over_what_the_other_knew(owner: Owner, tmp_path: Path) -> None:
    config = owner.config(state_file=str(tmp_path / "state.json"))
    async with watched(owner, config) as app, watched(owner, config, may_stand_by=True) as waiting:
        await until(app, lambda: bool(proofs(app)))
        assert () == waiting.app.view().targets
        await driven(app, app.app.aclose(grace=0.0))
        await until(app, lambda: not app.app._closing, 60)
        await driven(waiting, waiting.app.take_over())
        owner.calendar.busy.clear()
        await until(waiting, lambda: bool(proofs(waiting)))
        assert ProofState.PROVED is only(waiting).state


async def test_the_wall_clock_that_is_set_makes_no_booking_missing(owner: Owner) -> None:
    async with watched(owner) as app:
        await until(app, lambda: bool(proofs(app)))
        at = only(app).at
        owner.clock.set_by = -600.0
        owner.book(8, arrives=False)
        await pass_minutes(app, 4)
        assert (0, 1) == (of_week(only(app))[Arrival.MISSING], of_week(only(app))[Arrival.PENDING])
        assert only(app).at < at + 300


async def test_a_probe_of_both_ends_knows_no_more_than_that_it_has_to_learn(owner: Owner) -> None:
    owner.calendar.busy.clear()
    code, out, err = await typed("probe", f"--config.file={owner.config()}", "--output=json")
    assert code in {0, 1, 2}, err
    assert "anna-cal" in out
