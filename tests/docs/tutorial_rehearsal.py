"""Follow docs/tutorial.md to the letter, from a copy of the repository to a mail in an inbox, and say how long it took.

    python -m tests.docs.tutorial_rehearsal          # without accounts: a double booking
    python -m tests.docs.tutorial_rehearsal --own    # with the simulator in place of one's own accounts: a key that is refused

Nothing is divided or replaced but what a person fills in: the mail server with its user and password (a real one on loopback,
with STARTTLS and a login), and the ports, so that it may run beside others.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from exporter.commands.demo import demo_targets
from exporter.simulator import Simulator
from exporter.simulator.drills import demo_world
from tests.docs.tutorial import script
from tests.e2e.paging_stack import served
from tests.harness.certificates import contexts
from tests.monitoring.servers import free_port

USER, PASSWORD = "you@salon.invalid", "not a real password"
MAIL_SECONDS = 120


@dataclass
class Inbox:
    """What the mail server took, newest last."""

    mails: list[EmailMessage] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802, ANN401  names and types of aiosmtpd
        content = envelope.content or b""
        parser = BytesParser(EmailMessage, policy=policy.default)
        with self.arrived:
            self.mails.append(parser.parsebytes(content if isinstance(content, bytes) else content.encode()))
            self.arrived.notify_all()
        return "250 OK"


@contextmanager
def mail_server(folder: Path) -> Iterator[tuple[Inbox, str]]:
    """Run a mail server that asks for STARTTLS and a login; its certificate is ``localhost.crt`` in ``folder``."""

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, told: Any) -> AuthResult:  # noqa: ANN401  of aiosmtpd
        right = isinstance(told, LoginPassword) and (told.login, told.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    inbox = Inbox()
    server, _ = contexts(folder)
    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=server,
        require_starttls=True,
        authenticator=check,
        auth_required=True,
        auth_exclude_mechanism=["LOGIN"],  # its prompts are not those that Alertmanager knows
    )
    controller.start()
    try:
        yield inbox, f"localhost:{controller.port}"
    finally:
        controller.stop()


def copy_of_the_repository(folder: Path) -> Path:
    """Return a fresh clone's files: what git has, as it stands now."""
    clone = folder / "clone"
    clone.mkdir()
    names = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True).stdout
    tar = subprocess.run(["tar", "--create", "--null", "--files-from=-"], input=names, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract", "--directory", clone], input=tar, check=True)
    return clone


@dataclass(frozen=True)
class Way:
    """One way through the page: what is filled in and pasted on it, and whom its mail is about."""

    filled_in: Mapping[str, str]
    pasted: Mapping[str, str]
    about: str
    own: bool


def _ports(*names: str) -> dict[str, str]:
    return {f"127.0.0.1:{port}": f"127.0.0.1:{free_port()}" for port in names}


def with_the_simulator() -> Way:
    """Return the way of who has no accounts."""
    return Way(_ports("10888", "10889", "9090", "9093"), {}, "salon-berlin-b24: Bookings overlap on one resource", own=False)


@contextmanager
def with_own_accounts() -> Iterator[Way]:
    """Run a simulator that stands for somebody's accounts, and give the way of who has them."""
    with served(Simulator(build=demo_world.build)) as origin:
        wix, _, portal, _ = demo_targets(origin)
        site = "    site_id: 7f1c2d3e-1111-4222-8333-444455556666\n"
        yield Way(
            {site: f"    site_id: {wix['site_id']}\n    base_url: {origin}\n", **_ports("10888", "9090", "9093")},
            {"wix_api_key": wix["api_key"], "b24_webhook_url": portal["webhook_url"]},
            "salon-wix: ",
            own=True,
        )


def rehearse(folder: Path, way: Way) -> int:
    """Follow the page in ``folder`` and print what happened and when. Returns 0 if the mail and the all-clear arrived."""
    begun = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {line}", flush=True)

    with mail_server(folder) as (inbox, smarthost):
        authorities = folder / "authorities.crt"  # the machine's, for the package index, and the mail server's
        system = Path("/etc/ssl/certs/ca-certificates.crt")
        authorities.write_text((system.read_text() if system.exists() else "") + (folder / "localhost.crt").read_text())
        seen = {"6. ": folder / "mail", "7. ": folder / "all-clear"}
        wait = "for i in $(seq {}); do [ -e '{}' ] && break; sleep 1; done"
        text = script(
            {"smtp.example.org:587": smarthost, "you@example.org": USER, **way.filled_in},
            {"smtp_password": PASSWORD, **way.pasted},
            {word: wait.format(MAIL_SECONDS, path) for word, path in seen.items()},
            own=way.own,
        )
        clone = copy_of_the_repository(folder)
        (folder / "script.sh").write_text(text)
        process = subprocess.Popen(
            ["bash", folder / "script.sh"],
            cwd=clone,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "SSL_CERT_FILE": str(authorities)},
        )
        watcher = threading.Thread(target=_announce, args=(inbox, way.about, seen, tell), daemon=True)
        watcher.start()
        assert process.stdout is not None
        for line in process.stdout:
            tell(line.rstrip())
        process.wait()
        watcher.join(1)
        return 0 if all(path.exists() for path in seen.values()) else 1


def _announce(inbox: Inbox, about: str, seen: dict[str, Path], tell: Any) -> None:  # noqa: ANN401  a function
    told = 0
    while not all(path.exists() for path in seen.values()):
        with inbox.arrived:
            inbox.arrived.wait(1)
        for mail in inbox.mails[told:]:
            told += 1
            tell(f"MAIL Subject: {mail['Subject']}")
            body = mail.get_body(("plain", "html"))
            lines = [line for line in re.sub(r"<[^>]+>", "", body.get_content() if body else "").splitlines() if line.strip()]
            for line in lines[:12]:
                tell(f"     | {line.strip()}")
            if about in str(mail["Subject"]):
                seen["7. " if "RESOLVED" in lines[0] else "6. "].touch()


if __name__ == "__main__":
    chosen = with_own_accounts() if "--own" in sys.argv[1:] else nullcontext(with_the_simulator())
    with tempfile.TemporaryDirectory() as place, chosen as the_way:
        sys.exit(rehearse(Path(place), the_way))
