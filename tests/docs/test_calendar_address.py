"""The address of a calendar, asked from a real server with the commands that the page about credentials has."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.docs.blocks import ROOT
from tests.harness.caldav_servers import PASSWORD, Radicale

pytestmark = pytest.mark.servers


async def test_the_commands_of_the_page_lead_from_a_server_to_the_address_of_a_calendar(on_radicale: Radicale) -> None:
    on_radicale.user("anna")
    calendar = await on_radicale.calendar("anna", "work")
    [block] = re.findall(r"```sh\n(ask\(\) .*?)```", (ROOT / "docs/credentials.md").read_text(), re.DOTALL)
    define, *asked = re.split(r"^(?=ask \S)", block, flags=re.MULTILINE)
    server = calendar.url.removesuffix("/anna/work/")
    said = []
    for command in asked:
        filled = re.sub(r"https://\S+?/", f"{server}/", command).replace("PRINCIPAL/", "anna/").replace("HOME/", "anna/")
        asks = filled.replace("anna@example.org", f"'anna:{PASSWORD}'")
        shell = await asyncio.create_subprocess_exec("sh", "-c", f"{define}\n{asks}", stdout=asyncio.subprocess.PIPE)
        said.append((await shell.communicate())[0].decode())
    principal, home, calendars = said
    assert ("/anna/", "/anna/") == tuple(re.findall(r"<href>(.*?)</href>", text)[-1] for text in (principal, home))
    assert "<href>/anna/work/</href>" in calendars
