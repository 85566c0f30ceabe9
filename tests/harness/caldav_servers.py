"""Radicale and xandikos, real CalDAV servers that nobody here wrote, each a process of its own on a port of loopback.

``make servers`` installs them into an environment of their own (requirements-calendars.lock), outside of the exporter's.
Calendars are filled past HTTP, as Radicale's storage of files and xandikos's of git allow: 300 single PUTs take a minute.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import httpx
import pytest

from exporter.simulator import canary
from tests.harness.process import until
from tests.monitoring.servers import free_port

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "build" / "calendar-servers"
PASSWORD: Final = "correct horse"
_START_SECONDS: Final = 20.0
_END_SECONDS: Final = 10.0
_ATTEMPTS: Final = 5
_PUBLISHED: Final = "published-"
_RIGHTS: Final = f"""\
[root]
user: .+
collection:
permissions: R

[principal]
user: .+
collection: {{user}}
permissions: RW

[own]
user: .+
collection: {{user}}/[^/]+
permissions: rw

[published]
user: .*
collection: [^/]+/{_PUBLISHED}[0-9a-f]+
permissions: r
"""
"""Calendars are their owners' alone, but for those that are published: whoever has their address may read them."""

_UTC: Final = "%Y%m%dT%H%M%SZ"

# xandikos reads what its repositories hold with each request, so that one commit puts any number of entries at once.
_COMMIT: Final = """
import json, os, sys
from dulwich.repo import Repo
folder, names = sys.argv[1], json.load(sys.stdin)
for name, text in names.items():
    path = os.path.join(folder, name)
    if text is None:
        os.remove(path)
    else:
        with open(path, "w", newline="") as file:
            file.write(text)
with Repo(folder) as repo:
    repo.get_worktree().stage(list(names))
    who = b"Test <test@example.org>"
    repo.get_worktree().commit(message=b"entries", author=who, committer=who)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a calendar; ``lines`` are more lines of it, such as ``RRULE:FREQ=DAILY;COUNT=5`` or ``TRANSP:TRANSPARENT``.

    Moments are Unix seconds; an entry of ``whole_days`` has their dates in UTC.
    """

    uid: str
    start: float
    end: float
    lines: tuple[str, ...] = ()
    whole_days: bool = False
    title: str = canary.TITLE

    def ics(self) -> str:
        """Return the entry as an iCalendar file of its own."""
        words = (
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//booking-sync-exporter//tests//EN",
            "BEGIN:VEVENT",
            f"UID:{self.uid}",
            "DTSTAMP:20261101T000000Z",
            f"DTSTART{self._moment(self.start)}",
            f"DTEND{self._moment(self.end)}",
            f"SUMMARY:{self.title.replace(',', chr(92) + ',')}",
            *self.lines,
            "END:VEVENT",
            "END:VCALENDAR",
        )
        return "".join(f"{word}\r\n" for word in words)

    def _moment(self, seconds: float) -> str:
        moment = datetime.fromtimestamp(seconds, UTC)
        return f";VALUE=DATE:{moment:%Y%m%d}" if self.whole_days else f":{moment.strftime(_UTC)}"


class Calendar(Protocol):
    """A calendar on one of the servers. ``auth`` is ``None`` where the server asks for no login."""

    @property
    def url(self) -> str:
        """Return the address of the collection, with the slash at its end."""
        ...

    @property
    def auth(self) -> tuple[str, str] | None:
        """Return the name and the password of its owner."""
        ...

    async def put(self, *entries: Entry) -> None:
        """Add entries; one whose UID is there is replaced."""
        ...

    async def remove(self, *uids: str) -> None:
        """Remove entries. Raises :class:`FileNotFoundError` for one that is not there."""
        ...

    async def delete(self) -> None:
        """Delete the whole calendar."""
        ...


def program(name: str) -> Path:
    """Return the path of a program beside the servers; skip where they are not installed, fail where that is so in CI."""
    path = FOLDER / ("Scripts" if sys.platform == "win32" else "bin") / name
    if path.exists():
        return path
    message = f"{name} is not installed; run: make servers"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@dataclass(frozen=True, slots=True)
class Radicale:
    """A running Radicale: users with passwords, each with calendars that nobody else may read."""

    origin: str
    folder: Path
    log: Path
    passwords: dict[str, str] = field(default_factory=dict)

    def user(self, name: str, password: str = PASSWORD) -> None:
        """Let ``name`` log in with ``password``, and with no other from now on."""
        self.passwords[name] = password
        (self.folder / "users").write_text("".join(f"{user}:{word}\n" for user, word in self.passwords.items()))

    async def calendar(self, user: str = "anna", name: str = "work") -> RadicaleCalendar:
        """Return a new and empty calendar of ``user``, who is there after this."""
        if user not in self.passwords:
            self.user(user)
        calendar = RadicaleCalendar(self, user, name)
        calendar.make()
        return calendar

    async def published(self, user: str = "anna") -> RadicaleCalendar:
        """Return a new and empty calendar of ``user`` that whoever has its address may read, which nobody guesses."""
        return await self.calendar(user, f"{_PUBLISHED}{secrets.token_hex(8)}")


@dataclass(frozen=True, slots=True)
class RadicaleCalendar:
    """A calendar of Radicale: a folder with one file for each entry."""

    server: Radicale
    user: str
    name: str

    @property
    def url(self) -> str:
        return f"{self.server.origin}/{self.user}/{self.name}/"

    @property
    def auth(self) -> tuple[str, str] | None:
        return self.user, self.server.passwords[self.user]

    @property
    def _folder(self) -> Path:
        return self.server.folder / "storage" / "collection-root" / self.user / self.name

    def make(self) -> None:
        """Make its folder."""
        self._folder.mkdir(parents=True)
        (self._folder / ".Radicale.props").write_text('{"tag": "VCALENDAR"}')

    async def put(self, *entries: Entry) -> None:
        for entry in entries:
            unseen = self._folder.parent / f".{entry.uid}.new"
            unseen.write_text(entry.ics(), newline="")
            unseen.replace(self._folder / f"{entry.uid}.ics")

    async def remove(self, *uids: str) -> None:
        for uid in uids:
            (self._folder / f"{uid}.ics").unlink()

    async def delete(self) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            words = self.user, self.server.passwords[self.user]
            (await client.delete(self.url, auth=words)).raise_for_status()


@dataclass(frozen=True, slots=True)
class Xandikos:
    """A running xandikos: one user, no login."""

    origin: str
    folder: Path
    log: Path

    async def calendar(self, name: str = "work") -> XandikosCalendar:
        """Return a new and empty calendar."""
        calendar = XandikosCalendar(self, name)
        async with httpx.AsyncClient(trust_env=False) as client:
            (await client.request("MKCALENDAR", calendar.url)).raise_for_status()
        return calendar


@dataclass(frozen=True, slots=True)
class XandikosCalendar:
    """A calendar of xandikos: a git repository with one file for each entry."""

    server: Xandikos
    name: str

    @property
    def url(self) -> str:
        return f"{self.server.origin}/user/calendars/{self.name}/"

    @property
    def auth(self) -> tuple[str, str] | None:
        return None

    async def put(self, *entries: Entry) -> None:
        await self._commit({f"{entry.uid}.ics": entry.ics() for entry in entries})

    async def remove(self, *uids: str) -> None:
        there = {path.name for path in self._folder.iterdir()}
        for uid in uids:
            if f"{uid}.ics" not in there:
                raise FileNotFoundError(uid)
        await self._commit({f"{uid}.ics": None for uid in uids})

    async def delete(self) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            (await client.delete(self.url)).raise_for_status()

    @property
    def _folder(self) -> Path:
        return self.server.folder / "storage" / "user" / "calendars" / self.name

    async def _commit(self, texts: Mapping[str, str | None]) -> None:
        words, pipe = (str(program("python")), "-c", _COMMIT, str(self._folder)), asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stderr=pipe)
        _, said = await process.communicate(json.dumps(texts).encode())
        assert 0 == process.returncode, said.decode()


@asynccontextmanager
async def radicale(folder: Path) -> AsyncIterator[Radicale]:
    """Run Radicale with its storage, its users and its log in ``folder``; it looks at its users' names with each request."""
    users, rights, log = folder / "users", folder / "rights", folder / "radicale.log"
    users.write_text("")
    rights.write_text(_RIGHTS)
    options = (
        "--auth-type=htpasswd",
        f"--auth-htpasswd-filename={users}",
        "--auth-htpasswd-encryption=plain",
        "--auth-delay=0",
        "--rights-type=from_file",
        f"--rights-file={rights}",
        f"--storage-filesystem-folder={folder / 'storage'}",
        "--logging-level=info",
    )

    def words(port: int) -> tuple[str, ...]:
        return ("radicale", f"--server-hosts=127.0.0.1:{port}", *options)

    async def listens(_: int) -> bool:
        return "Listening on" in log.read_text()

    async with _on_a_port(log, words, listens) as port:
        yield Radicale(f"http://127.0.0.1:{port}", folder, log)


@asynccontextmanager
async def xandikos(folder: Path) -> AsyncIterator[Xandikos]:
    """Run xandikos with its storage and its log in ``folder``; its paths, which nobody else has, tell that it answers."""
    log, prefix = folder / "xandikos.log", secrets.token_hex(8)
    options = ("-l", "127.0.0.1", "--route-prefix", f"/{prefix}/", "--defaults", "--no-detect-systemd")
    folders = ("-d", str(folder / "storage"), "--state-dir", str(folder / "state"))

    def words(port: int) -> tuple[str, ...]:
        return ("xandikos", "serve", "-p", str(port), *options, *folders)

    async with httpx.AsyncClient(trust_env=False) as client:

        async def listens(port: int) -> bool:
            try:
                return (await client.get(f"http://127.0.0.1:{port}/{prefix}/")).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        async with _on_a_port(log, words, listens) as port:
            yield Xandikos(f"http://127.0.0.1:{port}/{prefix}", folder, log)


@asynccontextmanager
async def _on_a_port(
    log: Path, words: Callable[[int], Sequence[str]], listens: Callable[[int], Awaitable[bool]]
) -> AsyncIterator[int]:
    """Run a server, which has to be told a free port: if somebody else listens there by then, it ends, and takes another."""
    for _ in range(_ATTEMPTS):
        port = free_port()
        async with _running(log, *words(port)) as process:

            async def started(process: asyncio.subprocess.Process = process, port: int = port) -> bool:
                return process.returncode is not None or await listens(port)

            await until(started, f"a start of {log.stem}", seconds=_START_SECONDS)
            if process.returncode is None:
                yield port
                return
    pytest.fail(log.read_text())


@asynccontextmanager
async def _running(log: Path, name: str, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program until the block ends; what it says is in ``log``."""
    words = (str(program(name)), *options)
    with log.open("w") as file:
        process = await asyncio.create_subprocess_exec(*words, stdout=file, stderr=file, cwd=log.parent)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
