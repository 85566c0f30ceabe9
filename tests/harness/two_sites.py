"""Two customers of one exporter, and the world of the first without the second: what the first sees must be the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from exporter.errors import Reason
from exporter.model import CollectorName, ConnectionStatus, Shard
from exporter.policy import AcceptedReason, ConfigWarning, RejectedConfig, TargetPolicy
from exporter.state.snapshot import View
from tests.harness import views

MINE: Final = "Salon Mitte: 100% #1 & Söhne?"
"""A site whose name needs each kind of care in an address."""
THEIRS: Final = "zz-other"
"""Stands in every text of the other customer."""
KEY: Final = f"/run/secrets/key-of-{THEIRS}"
"""Where on the operator's machine the key lies that all targets share: no customer's matter."""
COPIED: Final = ConfigWarning("same_account", "salon-mitte", f"{THEIRS}-1 is the same account", "drop one", "watched twice")
OFF: Final = ConfigWarning("conflicts_off", "salon-mitte", "double bookings are not checked", "switch it on")
MEANT: Final = ConfigWarning("no_connections", "salon-mitte", "none", "connect one")
USERS: Final[Mapping[str, frozenset[str]]] = {MINE: frozenset({"anna"}), THEIRS: frozenset({"bert"})}


def mine(name: str = "salon-mitte", site: str = MINE) -> views.Target:
    """Return the target of the first customer: one broken connection."""
    rows = views.connections(views.connection("Chair 1"), views.connection("Chair 2", ConnectionStatus.DISCONNECTED))
    state = views.succeeded(views.unpolled(name, "wix", CollectorName.CONNECTIONS), rows)
    policy = TargetPolicy(warnings={"no_connections": AcceptedReason("opens in March")})
    return views.target_of(name, "wix", [state], labels={"site": site, "owner": "anna"}, policy=policy)


def theirs(number: int) -> views.Target:
    """Return a target of the second customer: fails, has a double booking, waits for its first poll."""
    name = f"{THEIRS}-{number}"
    bookings = views.succeeded(views.unpolled(name, "bitrix24", CollectorName.BOOKINGS), views.bitrix24_bookings())
    failing = views.failed(bookings, Reason.TIMEOUT, f"{THEIRS}.example did not answer within 30 s", count=3)
    waiting = views.unpolled(name, "bitrix24", CollectorName.LINKS)
    return views.target_of(name, "bitrix24", [failing, waiting], labels={"site": THEIRS}, usage=views.bitrix24_usage())


def _with_key(target: views.Target) -> views.Target:
    entry, states = target
    return replace(entry, policy=replace(entry.policy, credential=KEY)), states


def alone() -> View:
    """Return the exporter with the first customer only, who has copied a target: what is told of it names no other."""
    own = (replace(COPIED, message=COPIED.to_site, to_site=""), OFF)
    return replace(views.view_of(mine()), config_warnings=own, accepted_warnings=(MEANT,))


def together() -> View:
    """Return it as a shard with the second one, who fills pages, before and behind the first."""
    view = views.view_of(*map(_with_key, (theirs(0), mine(), *(theirs(number) for number in range(1, 60)))))
    others = tuple(ConfigWarning("no_connections", name, f"{THEIRS} has none", "add one") for name in (f"{THEIRS}-3", None))
    rejected = RejectedConfig(views.NOW - 60, f"targets[{THEIRS}-2]: unknown key", 1)
    warnings = (others[0], COPIED, OFF, others[1])
    accepted = (MEANT, others[0])
    return replace(view, config_warnings=warnings, accepted_warnings=accepted, rejected_config=rejected, shard=Shard(1, 3))
