"""Every command of the documents: whose it is, and what is to come of it where it can run here.

Ours, and those of curl, promtool and amtool, run in ``test_commands.py``. What does not stands below with its reason, and a
command that no row fits is a failure: whoever writes one says here what it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.docs.blocks import DOCUMENTS, ROOT, SHELL, blocks, inline

PROGRAMS: Final = ("booking-sync-exporter", "curl", "promtool", "amtool")
# The same command where it was installed as we ship it.
INSTALLED: Final = re.compile(
    r"^(?:sudo /opt/booking-sync-exporter/bin/"
    r"|docker (?:compose )?exec (?:booking-sync-)?exporter "
    r"|docker compose run --rm --no-deps exporter (?=check-config)"
    r"|kubectl exec (?:-it )?--namespace monitoring deploy/booking-sync-exporter -- "
    r"|docker compose exec alertmanager sh -c ')"
)


@dataclass(frozen=True, slots=True)
class Runs:
    """A command that ends: what it prints, among other things, and its exit codes."""

    pattern: str
    shows: str
    codes: frozenset[int] = frozenset({0})


@dataclass(frozen=True, slots=True)
class Starts:
    """A command that goes on until it is ended: the line by which it says that it works, and the flag of its address."""

    pattern: str
    says: str
    listen: str


_OURS: Final = "booking-sync-exporter "
# A warning or a critical finding is an answer, too: nobody promises that all is well in the simulator.
_JUDGED: Final = frozenset({0, 1, 2})
_FOUND: Final = frozenset({0, 1})

ROWS: Final = (
    Runs(rf"{_OURS}--version", "booking-sync-exporter "),
    Runs(rf"{_OURS}check-config --config.file[ =]\S+", "valid, 2 targets"),
    Runs(rf"{_OURS}check-config --config.file \S+ --config.dir customers", "valid, 3 targets"),
    Runs(rf"{_OURS}check-config --config.file \S+ --no-secrets", "valid, 2 targets"),
    Runs(rf"{_OURS}check-config --config.file[ =]\S+ --online", "the credential works"),
    Runs(rf"{_OURS}check-config --config.file \S+ --shard \d/\d", "valid, "),
    Runs(rf"{_OURS}conformance salon-wix( --config.file exporter.yml)?", "ListConnections", _FOUND),
    Runs(rf"{_OURS}--config.file \S+ probe", "salon-wix", _JUDGED),
    Runs(rf"{_OURS}probe( salon-wix)?( --config.file \S+| \S+ --running \S+| --running \S+( \S+)?)", "salon-wix", _JUDGED),
    Runs(rf"{_OURS}list( salon-wix)?( --output yaml)?( --config.file[ =]\S+)?", "salon-wix"),
    Runs(rf"{_OURS}monitoring render .*--out (bundle|rehearsal)", "config/prometheus/alerting.rules.yml"),
    Runs(rf"{_OURS}monitoring check --.+", "Prometheus answers: version", _FOUND),
    Runs(rf"{_OURS}simulate --list", "token-revoked"),
    Runs(rf"{_OURS}example-config", "targets:"),
    Runs(rf"{_OURS}example-config booking-sync-exporter.service", "[Service]"),
    Starts(rf"{_OURS}--config.file \S+( --\S+( [^\s-]\S*)?)*", "listening", "--web.listen-address"),
    Starts(rf"{_OURS}simulate( --listen \S+| --scenario \S+)*", "targets:", "--listen"),
    Runs(r"until curl .*/-/ready.*; done", ""),
    Runs(r"curl .*/_sim/incidents/double-booking/\w+", "double-booking"),
    Runs(r"curl .*/_sim/faults .*", '"operation": "booking.v1.booking.list"'),
    Runs(r"curl .*/-/poll\?target=salon-wix'", "salon-wix connections: "),
    Runs(r"curl .*/-/poll\?target=salon-berlin-b24'", "salon-berlin-b24 bookings: "),
    Runs(r"curl .*/-/reload", "Reloaded"),
    Runs(r"curl .*/api/v1/status \| jq .*", ""),
    Runs(r"curl .*/metrics \| grep .*", "", _FOUND),
    Runs(r"curl .*/config( \| grep state_file)?", "state_file"),
    Runs(r"curl .*/-/ready", "ready"),
    Runs(r"curl .*/api/v1/admin/tsdb/.*", ""),
    Runs(r"promtool check config \S+", "SUCCESS"),
    Runs(r"amtool check-config \S+", "SUCCESS"),
    Runs(r"amtool .*silence query'?", ""),
    Runs(r"amtool silence add --alertmanager.url=.*", "-"),
    Runs(r"amtool alert query .*", ""),
)

NOT_RUN: Final[Mapping[str, str]] = {
    r"amtool silence add alertname=.*": "tests/monitoring/test_runbook_commands.py gives each of them to an Alertmanager",
    rf"{_OURS}demo": "tests/e2e/test_commands.py watches it",
    rf"{_OURS}demo --scenario (says-synced|proof)": "tests/runtime/test_incidents_on_the_board.py plays it",
    rf"{_OURS}drill --prometheus-url .*": "takes 30 minutes; tests/e2e/test_drill.py plays it",
    rf"{_OURS}hash-password": "asks a person; tests/cli/test_basics.py answers",
    rf"{_OURS}bitrix24-login --portal .*": "asks a person; tests/commands/test_bitrix24_login.py answers",
    r"curl -sI https://www\.wixapis\.com": "asks the platform itself",
}

# Names between back quotes: no command to be typed as it stands.
NAMES: Final = frozenset(
    {
        "booking-sync-exporter",
        "booking-sync-exporter list",
        "booking-sync-exporter list TARGET",
        "booking-sync-exporter list [TARGET...]",
        "booking-sync-exporter bitrix24-login",
        "booking-sync-exporter conformance",
        "booking-sync-exporter example-config",
        "booking-sync-exporter help",
        "booking-sync-exporter monitoring check",
        "booking-sync-exporter monitoring render",
        "booking-sync-exporter probe",
        "booking-sync-exporter probe TARGET",
        "booking-sync-exporter check-config",
        "booking-sync-exporter probe TARGET --running URL",
        "amtool check-config",
        "promtool tsdb create-blocks-from openmetrics",
        "promtool tsdb create-blocks-from openmetrics FILE DIR",
        "amtool",
        "promtool",
        "curl",
    }
)


def ours(command: str) -> str | None:
    """Return the command that one of :data:`PROGRAMS` runs in the end, in the form of a clone; None for other programs'."""
    short, wrapped = INSTALLED.subn("", command)
    if wrapped and command.startswith("docker compose run"):
        short = f"{_OURS}{short}"
    short = re.sub(r"(?: \d?>>? ?\S+| &)+$", "", short)
    return short if short.removeprefix("until ").split(maxsplit=1)[0] in PROGRAMS else None


def documented() -> Iterator[tuple[str, str]]:
    """Yield each command of :data:`PROGRAMS` with the document that has it, as often as it stands somewhere."""
    for path in DOCUMENTS:
        name = str(path.relative_to(ROOT))
        shown = [command for block in blocks(path) if block.language in SHELL for command in block.commands()]
        for command in [*shown, *(one for one in inline(path) if one not in NAMES)]:
            if short := ours(command):
                yield name, short
