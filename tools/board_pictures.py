"""Takes the pictures of the status board that the documents show: ``python -m tools.board_pictures docs``.

They are of the demo's worst night, in a real Chromium, with the targets folded as a click folds them.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any, Final, Literal

import httpx

from tests.harness.browser import tab

_START_SECONDS: Final = 60
_PICTURES: Final[tuple[tuple[str, str, Literal["light", "dark"], str], ...]] = (
    ("board.png", "desktop", "light", "en"),
    ("board-phone.png", "phone", "dark", "en"),
    ("board-de.png", "desktop", "light", "de"),
)


async def take(folder: Path) -> None:
    """Write the pictures into ``folder``. Raises :class:`TimeoutError` when the demo shows no worst night within a minute."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = ("-m", "exporter", "demo", "--scenario", "worst-night", "--web.listen-address", address)
    demo = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(_START_SECONDS):
            await _shown(f"http://{address}")
        for name, size, scheme, language in _PICTURES:
            async with tab(size=size, scheme=scheme) as opened:
                await opened.page.goto(f"http://{address}/?lang={language}")
                unfolded = opened.page.locator("details.target[open] > summary")
                while await unfolded.count():
                    await unfolded.first.click()
                await opened.page.mouse.move(0, 0)
                await opened.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
                await opened.page.screenshot(path=folder / name, full_page=True)
    finally:
        demo.terminate()
        await demo.wait()


async def _shown(url: str) -> None:
    """Return when the board shows both incidents of the night and every collector was polled."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        while True:
            await asyncio.sleep(0.5)
            try:
                status: dict[str, Any] = (await http.get("/api/v1/status")).json()
            except httpx.TransportError:
                continue
            kinds = {problem["kind"] for problem in status["problems"]}
            if status["ready"] and {"conflict", "connection_error"} <= kinds:
                return


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1])))
