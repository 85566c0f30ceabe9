"""What ``docs/names.md`` says becomes of a hash: it is in the list, and an alias takes its place without a new age."""

from __future__ import annotations

import asyncio
from pathlib import Path

import yaml

from exporter.platforms.wix import WIX
from tests.docs.simulated import SITE, world
from tests.harness.application import driven


async def test_the_hash_of_an_alert_is_in_the_list_and_an_alias_keeps_the_age(tmp_path: Path) -> None:
    async with world(tmp_path, aliases={}) as there:
        there.simulator.incidents.start("token-revoked")
        await there.minutes(2)
        [before] = there.problems("connection_error")
        await there.minutes(30)

        listed = asyncio.ensure_future(WIX.inventory(there.app.app._live[SITE].session))
        await driven(there.app, listed)
        [schedule] = [row for listing in listed.result().listings for row in listing.rows if before.subject in row]

        file = tmp_path / "exporter.yml"
        config = yaml.safe_load(file.read_text())
        config["targets"][0] |= {"aliases": {schedule[0]: "Anna"}, "accepted": [{"connection": before.subject, "why": "known"}]}
        file.write_text(yaml.safe_dump(config))
        await driven(there.app, there.app.app.reload())
        await there.minutes(2)
        [after] = there.problems("connection_error")
        assert (after.subject, after.since, after.since_known) == ("Anna", before.since, True)
        assert 'connection="Anna"' in await there.app.page()
        assert "unknown_accepted" in {warning.kind for warning in there.status.config_warnings}
