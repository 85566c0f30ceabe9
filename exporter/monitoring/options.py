"""What a user may choose about the monitoring bundle; everything else is fixed by the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from exporter.errors import ConfigError, ConfigProblem
from exporter.fields.links import address_problem
from exporter.monitoring.delivery import Delivery
from exporter.monitoring.password import FOLDER
from exporter.monitoring.promql import of_jobs
from exporter.state.thresholds import DEFAULTS, Thresholds
from exporter.texts import DEFAULT, LANGUAGES

MAX_HURRY = 120
"""Prometheus scrapes four times a second then; one that is asked for more falls behind, and nothing is ever told."""

MAX_SLO: Final = 0.9999999
"""Beyond it a number has too few digits for what is left of the budget; a second in four months is bad then."""

MAX_JOB: Final = 200

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_QUOTING: Final = "\"'\\{}\n$"
_OF_EXPRESSIONS: Final = "|*+?^()[]"


@dataclass(frozen=True, slots=True)
class Options:
    """The parameters of the bundle.

    ``jobs`` are the Prometheus jobs under which exporters are scraped; ``slo`` the share of live connections that have to be
    free of errors over 30 days, between 0 and 1; ``targets`` is the most targets that one exporter will have, for the limit on
    the size of its page, and 0 for no limit. ``hurry`` divides every wait of rules and routes, for a rehearsal; 1 is life.
    ``thresholds`` are those by which the exporter judges.

    The three addresses are the bases of links, and empty for no link: ``grafana_url`` has the dashboards; ``board_url`` is
    where people reach the status board, which serves the runbooks, too; ``runbook_url`` is a place of their own for the files
    of ``docs/runbooks``. ``language`` is that of what alerts and messages say, one of :data:`~exporter.texts.LANGUAGES`.

    What follows has no flag and is read from ``monitoring.yml`` (:mod:`exporter.monitoring.settings`, which has checked it):
    ``exporters`` are the addresses of a job for the example of a Prometheus; ``prometheus_url`` and ``alertmanager_url`` are
    where the servers reach each other, with the password in ``password_file`` unless that is ""; ``cluster_label`` tells
    clusters apart; ``off`` names alerts that nobody wants; ``delivery`` says who hears of the others, and how; ``shards`` is
    the number of Pods that divide the targets.
    Raises :class:`~exporter.errors.ConfigError` with every problem at once.
    """

    jobs: tuple[str, ...] = ("booking-sync-exporter",)
    slo: float = 0.99
    grafana_url: str = ""
    runbook_url: str = ""
    targets: int = 0
    board_url: str = ""
    language: str = DEFAULT
    hurry: int = 1
    exporters: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    scrape_interval: str = "30s"
    prometheus_url: str = "http://prometheus:9090"
    alertmanager_url: str = "http://alertmanager:9093"
    cluster_label: str = "cluster"
    rule_labels: Mapping[str, str] = field(default_factory=lambda: _NONE)
    off: frozenset[str] = frozenset()
    uid_prefix: str = "booking-sync"
    folder: str = "Booking sync"
    variables: tuple[str, ...] = ()
    namespace: str = "monitoring"
    image: str = ""
    shards: int = 1
    manifest_labels: Mapping[str, str] = field(default_factory=lambda: _NONE)
    delivery: Delivery = field(default_factory=Delivery)
    thresholds: Thresholds = DEFAULTS
    password_file: str = f"{FOLDER}/password"

    def __post_init__(self) -> None:
        problems = [] if self.jobs else [ConfigProblem("--job", "names no job", "name the job that scrapes the exporter")]
        problems += [ConfigProblem("--job", *trouble) for job in self.jobs if (trouble := job_problem(job))]
        if len(set(self.jobs)) < len(self.jobs):
            problems.append(ConfigProblem("--job", "has an entry twice", "write each entry once"))
        if trouble := slo_problem(self.slo):
            problems.append(ConfigProblem("--slo", *trouble))
        if self.targets < 0:
            problems.append(ConfigProblem("--targets", f"{self.targets} is less than 0", "leave it out for no limit"))
        if self.language not in LANGUAGES:
            problems.append(
                ConfigProblem(
                    "--language", f"{self.language!r} is not one of the languages", f"write one of {', '.join(LANGUAGES)}"
                )
            )
        if not 1 <= self.hurry <= MAX_HURRY:
            problems.append(
                ConfigProblem("--hurry", f"{self.hurry} is not between 1 and {MAX_HURRY}", "write 60 for a minute in a second")
            )
        problems += [
            ConfigProblem(flag, *trouble)
            for flag, url in (
                ("--grafana-url", self.grafana_url),
                ("--runbook-url", self.runbook_url),
                ("--board-url", self.board_url),
            )
            if url and (trouble := address_problem(url))
        ]
        if problems:
            raise ConfigError(problems)
        for name in ("grafana_url", "board_url", "runbook_url", "prometheus_url", "alertmanager_url"):
            object.__setattr__(self, name, getattr(self, name).rstrip("/"))

    @property
    def error_budget(self) -> str:
        """The share of time that may be bad, as PromQL that shows the objective."""
        return f"(1 - {Decimal(repr(self.slo)):f})"

    @property
    def objective(self) -> str:
        """The objective in per cent, with all of its digits."""
        return _plain(100 * Decimal(repr(self.slo)))

    @property
    def allowed(self) -> str:
        """The per cent of time that may be bad, with all of its digits."""
        return _plain(100 - 100 * Decimal(repr(self.slo)))

    @property
    def of_jobs(self) -> str:
        """The matcher of PromQL that selects what the jobs brought."""
        return of_jobs(self.jobs)

    def exporters_of(self, job: str) -> tuple[str, ...]:
        """Return where the exporters of a job are, for the example of a Prometheus."""
        return self.exporters.get(job) or ("exporter:10888" if len(self.jobs) == 1 else f"{job}:10888",)

    def uid(self, board: str) -> str:
        """Return the uid of a dashboard, whose own one begins with the default prefix."""
        return self.uid_prefix + board.removeprefix("booking-sync")

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


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


# What is wrong with a value, and the fix; None when it can be used. A flag and a key of the file say the same.


def job_problem(job: str) -> tuple[str, str] | None:
    """Return what is wrong with the name of a job."""
    if not job or any(character in job for character in _QUOTING):
        return "is empty or holds a quote, backslash, brace, dollar or line break", "write the name as in scrape_configs"
    if job != job.strip() or len(job) > MAX_JOB:
        return f"begins or ends with a blank, or is longer than {MAX_JOB} letters", "write the name as in scrape_configs"
    if any(character in job for character in _OF_EXPRESSIONS):
        # As a name it would match no job, and an alert would page for ever.
        return f"{job!r} is a regular expression, and a job is named", "name each job: --job a --job b, or jobs: [a, b]"
    return None


def slo_problem(slo: float) -> tuple[str, str] | None:
    """Return what is wrong with ``slo``, the share of the time that shall be free of errors."""
    if not 0 < slo < 1:
        percent = slo if 1 < slo < 100 else 99  # noqa: PLR2004  per cent
        return f"{slo} is not between 0 and 1", f"write {percent / 100:.15g} for {percent:.15g} %"
    return None if slo <= MAX_SLO else (f"{slo} leaves no time for an error", f"write {MAX_SLO} or less")
