"""Two real exporters with one token file whose tokens expire all the time; one is killed again and again."""

from __future__ import annotations

import json
import signal

from tests.harness.business import Business
from tests.harness.process import Exporter, exporter, until

POLLS = 'collector_polls_total{collector="bookings",platform="bitrix24",target="oauth"}'
UP = 'collector_up{collector="bookings",platform="bitrix24",target="oauth"}'
DEATHS = 3


async def polls_well(running: Exporter, polls: float) -> bool:
    page = await running.samples()
    return page[POLLS] >= polls and page[UP] == 1


async def test_an_exporter_that_shares_its_token_file_outlives_any_number_of_deaths_of_the_other(business: Business) -> None:
    target = business.expired_oauth_target()
    target["collectors"] = {"bookings": {"interval": "1s"}}
    config = business.config(target)
    oauth = business.simulator.bitrix24.oauth
    oauth.access_seconds = 0.2  # each poll has to renew
    # An answer that dies with its process before a system call has written it is lost, whoever the client is.
    oauth.tolerates_spent = True
    async with exporter(config) as survivor:
        await survivor.ready()
        for _ in range(DEATHS):
            async with exporter(config) as victim:
                await victim.ready()
                victim.send(signal.SIGKILL)
                await victim.ended()
        polls = (await survivor.samples())[POLLS]
        oauth.tolerates_spent = False
        oauth.access_seconds = 3_600.0
        await until(lambda: polls_well(survivor, polls + 2), "the survivor to go on")
        stored = json.loads((business.folder / "oauth.json").read_text())
        pair = oauth.pair(stored["access_token"])
        assert pair is not None
        assert (stored["refresh_token"], False) == (pair.refresh_token, pair.spent)
        assert "Traceback" not in survivor.raw
