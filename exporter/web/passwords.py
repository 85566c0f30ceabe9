"""Checks passwords against bcrypt hashes: cached, of equal cost for every name (no timing attack), and queued fairly."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import bcrypt

from exporter.support.secret import Secret
from exporter.support.threads import DaemonThreadPool
from exporter.web.client_connections import ClientConnection
from exporter.web.limits import SIGN_INS

_AT_ONCE: Final = 2  # threads
_TURNS: Final = 4  # of which the last takes who has waited longest
_REMEMBERED: Final = 128  # right passwords; more users than that belong behind a proxy
_REMEMBERED_WRONG: Final = 4096  # 32 bytes each
_REMEMBERED_ADDRESSES: Final = 1024
_SIGNIFICANT_BYTES: Final = 72  # of a password, for bcrypt; other tools cut it there silently
_FILLER: Final = "." * 53  # of a hash that nothing matches


class TooManySignInsError(Exception):
    """So many passwords are being checked that a further one is not taken."""


@dataclass(eq=False, slots=True)
class _SignIn:
    """A password that waits to be checked, with everybody who waits for it."""

    number: int
    password: bytes
    hashed: bytes
    dearest: int
    outcome: asyncio.Future[bool]
    clients: list[ClientConnection | None] = field(default_factory=list)

    @property
    def is_given_up(self) -> bool:
        return all(client is not None and client.gone for client in self.clients)

    @property
    def addresses(self) -> set[str]:
        return {client.address for client in self.clients if client is not None}


class PasswordCheck:
    """Checks passwords in two threads and remembers what it found, as keyed digests only.

    Three times who came last is taken, and then once who has waited longest: the first lets a right password in while others
    are tried one after the other, the second while they are thrown at it faster than any could be checked. Before that
    count the wrong passwords that came from the address, and on the connection. Nobody who has hung up is served.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._failures: OrderedDict[str, int] = OrderedDict()
        self._waiting: dict[bytes, _SignIn] = {}
        self._begun: dict[bytes, _SignIn] = {}
        self._queued_so_far = 0
        self._begun_so_far = 0
        self._threads = DaemonThreadPool(_AT_ONCE, "bcrypt")
        self._is_closed = False

    async def is_right(
        self, users: Mapping[str, Secret], name: str, password: bytes, client: ClientConnection | None = None
    ) -> bool:
        """Return whether ``password`` opens the account ``name``. Raises :class:`TooManySignInsError`."""
        stored = users.get(name)
        dearest = max(_cost(user.reveal()) for user in users.values())
        # An unknown name costs as much as a wrong password, so that nobody learns by the clock who exists.
        hashed = stored.reveal().encode() if stored else f"$2b${dearest:02}${_FILLER}".encode()
        mark = hmac.digest(self._key, b"\0".join((name.encode(), hashed, password)), hashlib.sha256)
        if mark in self._right:
            self._right.move_to_end(mark)
            return True
        if mark in self._wrong:
            self._wrong.move_to_end(mark)
            return False
        sign_in = self._begun.get(mark) or self._waiting.get(mark)
        if sign_in is None:
            sign_in = self._queued(mark, password, hashed, dearest)
        sign_in.clients.append(client)
        self._begin()
        return await asyncio.shield(sign_in.outcome)

    def close(self) -> None:
        """End the threads; checks that have not begun are dropped."""
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _queued(self, mark: bytes, password: bytes, hashed: bytes, dearest: int) -> _SignIn:
        if len(self._waiting) >= SIGN_INS:
            self._drop_given_up()
        if len(self._waiting) >= SIGN_INS:
            raise TooManySignInsError
        self._queued_so_far += 1
        outcome = asyncio.get_running_loop().create_future()
        sign_in = self._waiting[mark] = _SignIn(self._queued_so_far, password, hashed, dearest, outcome)
        return sign_in

    def _drop_given_up(self) -> None:
        for mark in [mark for mark, sign_in in self._waiting.items() if sign_in.is_given_up]:
            self._waiting.pop(mark).outcome.set_result(False)  # nobody hears of it

    def _begin(self) -> None:
        """Start a check in each free thread."""
        self._drop_given_up()
        while len(self._begun) < _AT_ONCE and self._waiting and not self._is_closed:
            mark = self._next()
            self._begun_so_far += 1
            sign_in = self._begun[mark] = self._waiting.pop(mark)
            check = asyncio.get_running_loop().run_in_executor(
                self._threads, _matches, sign_in.password, sign_in.hashed, sign_in.dearest
            )
            check.add_done_callback(partial(self._end, mark))

    def _next(self) -> bytes:
        newest = -1 if self._begun_so_far % _TURNS != _TURNS - 1 else 1
        return min(self._waiting, key=lambda mark: (self._guilt(self._waiting[mark]), newest * self._waiting[mark].number))

    def _guilt(self, sign_in: _SignIn) -> tuple[int, int]:
        known = (client for client in sign_in.clients if client is not None)
        return min(((self._failures.get(client.address, 0), client.wrong_passwords) for client in known), default=(0, 0))

    def _end(self, mark: bytes, check: asyncio.Future[bool]) -> None:
        sign_in = self._begun.pop(mark)
        if check.cancelled():  # the end of the process
            sign_in.outcome.cancel()
            return
        if error := check.exception():
            sign_in.outcome.set_exception(error)
        else:
            self._remember(mark, sign_in, right=check.result())
            sign_in.outcome.set_result(check.result())
        self._begin()

    def _remember(self, mark: bytes, sign_in: _SignIn, *, right: bool) -> None:
        known, max_kept = (self._right, _REMEMBERED) if right else (self._wrong, _REMEMBERED_WRONG)
        known[mark] = None
        if len(known) > max_kept:
            known.popitem(last=False)
        for client in sign_in.clients:
            if client is not None and not right:
                client.wrong_passwords += 1
        for address in sign_in.addresses:
            self._failures[address] = 0 if right else self._failures.pop(address, 0) + 1
            if len(self._failures) > _REMEMBERED_ADDRESSES:
                self._failures.popitem(last=False)


def _cost(hashed: str | bytes) -> int:
    return int(hashed[4:6])


def _matches(password: bytes, hashed: bytes, dearest: int) -> bool:
    """Return whether they match. What does not has cost as much as the dearest hash: 2^c + 2^c + 2^(c+1) + … = 2^dearest."""
    significant = password[:_SIGNIFICANT_BYTES]
    is_possible = b"\0" not in significant  # bcrypt ends there, and refuses it
    if bcrypt.checkpw(significant if is_possible else b"", hashed) and is_possible:
        return True
    for cost in range(_cost(hashed), dearest):
        bcrypt.checkpw(b"", f"$2b${cost:02}${_FILLER}".encode())
    return False
