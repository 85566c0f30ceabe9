"""What a user may choose about the monitoring bundle; everything else is fixed by the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from exporter.errors import ConfigError, Problem
from exporter.texts import DEFAULT, LANGUAGES

MAX_HURRY = 120
"""Prometheus scrapes four times a second then; one that is asked for more falls behind, and nothing is ever told."""


@dataclass(frozen=True, slots=True)
class Options:
    """The parameters of the bundle.

    ``job`` is the Prometheus job under which the exporter is scraped; ``slo`` the share of live connections that have to be
    free of errors over 30 days, between 0 and 1; ``targets`` is the most targets that one exporter will have, for the limit on
    the size of its page, and 0 for no limit. ``hurry`` divides every wait of rules and routes, for a rehearsal; 1 is life.

    The three addresses are the bases of links, and empty for no link: ``grafana_url`` has the dashboards; ``board_url`` is
    where people reach the status board, which serves the runbooks, too; ``runbook_url`` is a place of their own for the files
    of ``docs/runbooks``. ``language`` is that of what alerts and messages say, one of :data:`~exporter.texts.LANGUAGES`.
    Raises :class:`~exporter.errors.ConfigError` with every problem at once.
    """

    job: str = "booking-sync-exporter"
    slo: float = 0.99
    grafana_url: str = ""
    runbook_url: str = ""
    targets: int = 0
    board_url: str = ""
    language: str = DEFAULT
    hurry: int = 1

    def __post_init__(self) -> None:
        problems = []
        if not self.job or any(character in self.job for character in "\"'\\{}\n$"):
            problems.append(Problem("--job", "is empty or holds a quote, backslash, brace, dollar or line break"))
        if not 0 < self.slo < 1:
            problems.append(Problem("--slo", f"{self.slo} is not between 0 and 1", "write 0.99 for 99 %"))
        if self.targets < 0:
            problems.append(Problem("--targets", f"{self.targets} is less than none", "leave it out for no limit"))
        if self.language not in LANGUAGES:
            problems.append(Problem("--language", f"{self.language!r} is no language of ours", f"write {', '.join(LANGUAGES)}"))
        if not 1 <= self.hurry <= MAX_HURRY:
            problems.append(
                Problem("--hurry", f"{self.hurry} is not between 1 and {MAX_HURRY}", "write 60 for a minute in a second")
            )
        problems += [
            Problem(flag, f"{url!r} is no http(s) URL", "write https://host/path, without a query")
            for flag, url in (
                ("--grafana-url", self.grafana_url),
                ("--runbook-url", self.runbook_url),
                ("--board-url", self.board_url),
            )
            if url and not _is_base_url(url)
        ]
        if problems:
            raise ConfigError(problems)
        object.__setattr__(self, "grafana_url", self.grafana_url.rstrip("/"))
        object.__setattr__(self, "board_url", self.board_url.rstrip("/"))
        object.__setattr__(self, "runbook_url", self.runbook_url.rstrip("/"))

    @property
    def error_budget(self) -> str:
        """The share of time that may be bad, as PromQL that shows the objective."""
        return f"(1 - {self.slo:g})"

    def runbook(self, alert: str) -> str:
        """Return the address of an alert's runbook, "" where nobody knows one."""
        if self.runbook_url:
            return f"{self.runbook_url}/{alert.lower()}.md"
        return f"{self.board_url}/runbooks/{alert}" if self.board_url else ""

    @property
    def runbook_index(self) -> str:
        """The address of the index of the runbooks, "" where nobody knows one."""
        if self.runbook_url:
            return f"{self.runbook_url}/README.md"
        return f"{self.board_url}/runbooks/" if self.board_url else ""


def _is_base_url(url: str) -> bool:
    # The URLs go into Go templates and query strings: no braces, no quotes, no query of their own.
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and not (parts.query or parts.fragment or parts.username)
        and not any(character in url for character in "{}\"'` \n\\$")
    )
