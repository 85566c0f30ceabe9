"""The ``conformance`` command: which statements of a platform's fact sheet hold on a real account.

Standard output is a report to attach to an issue, of sentences of ours only. What only the operator may read (the host, the
fix) goes to standard error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import typer
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from exporter import __version__
from exporter.commands.found_sites import with_found_sites
from exporter.commands.target_factory import known_secrets, opened_target_factory
from exporter.config import Config
from exporter.errors import PollError
from exporter.metrics import Instruments
from exporter.platforms.conformance import ANOTHER_CREDENTIAL, Holds, Judgement, Statement
from exporter.platforms.recording import MAX_REQUESTS, Record
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import Target
from exporter.polling import sanitized_error
from exporter.runtime import TargetFactory
from exporter.state.advice import for_failure, plain
from exporter.state.status_history import StatusHistory
from exporter.support.redaction import visible

EXIT_SOME_DO_NOT_HOLD: Final = 1
EXIT_NOT_ASKED: Final = 2

_SIGN_INS: Final = {"api_key": "API key", "app": "app", "webhook": "incoming webhook", "oauth": "application (OAuth)"}

_DENIED: Final = frozenset({401, 403})

Result = tuple[Statement, Judgement]


async def conformance(config: Config, name: str, *, now: Callable[[], float] = time.time) -> int:
    """Ask the target called ``name``, print the report, and return the exit code."""
    config, _ = await with_found_sites(config, [name])
    target = next((target for target in config.targets if target.name == name), None)
    if target is None:
        names = ", ".join(sorted(target.name for target in config.targets))
        _tell(f"error: no target named {name}; there are {names}")
        return EXIT_NOT_ASKED
    if target.paused:
        _tell(f"error: {name} is paused in the configuration, so it is not polled (fix: remove paused)")
        return EXIT_NOT_ASKED
    async with opened_target_factory(Instruments(CollectorRegistry()), known_secrets(config.secrets, config.names)) as factory:
        try:
            record = await _asked(factory, target)
        except PollError as failed:
            _explain(factory, target, "everything", failed)
            return EXIT_NOT_ASKED
        _explain_all(factory, target, record)
    transcript = record.transcript(target.sign_in)
    results = [(statement, statement.judged(transcript)) for statement in PLATFORMS[target.platform].conformance.statements]
    typer.echo("\n".join(report(target.platform, target.sign_in, results, record.requests, now())))
    return exit_code(results, answered=record.answered)


def exit_code(results: Sequence[Result], *, answered: bool) -> int:
    """Return 1 when a statement does not hold, 2 when no question was ``answered``, else 0."""
    if any(judged.holds is Holds.NO for _, judged in results):
        return EXIT_SOME_DO_NOT_HOLD
    return 0 if answered else EXIT_NOT_ASKED


def report(platform: str, sign_in: str, results: Sequence[Result], requests: int, now: float) -> Iterator[str]:
    """Yield the lines of the report: whose it is, what does not hold, what was not seen, what holds."""
    yield f"Conformance report of booking-sync-exporter {__version__}, {time.strftime('%Y-%m-%d', time.gmtime(now))}"
    yield f"platform: {platform}, credential: {_SIGN_INS.get(sign_in, 'of one kind')}, requests made: {requests}"
    asked = [one for one in results if one[1].template != ANOTHER_CREDENTIAL]
    if left_out := len(results) - len(asked):
        yield f"left out: statements about another kind of credential, {left_out}"
    for holds in (Holds.NO, Holds.UNSEEN, Holds.YES):
        chosen = [(statement, judged) for statement, judged in asked if judged.holds is holds]
        yield ""
        yield f"{holds.value}: {len(chosen)} of {len(asked)}"
        for statement, judged in chosen:
            yield f"  {statement.id:<13} {plain(statement.sentence)} [{judged.seen}]"


async def _asked(factory: TargetFactory, target: Target) -> Record:
    questions = PLATFORMS[target.platform].conformance.questions
    _tell(f"asks {questions} questions, which only read, with {MAX_REQUESTS} requests at most")
    columns = (SpinnerColumn(), TextColumn("asking"), MofNCompleteColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=questions)
        record = Record(lambda question: progress.update(task, advance=1, description=escape(question)))
        live = factory.open_target(target, StatusHistory(), record.services)
        try:
            await PLATFORMS[target.platform].conformance.ask(live.session, record)
        finally:
            await live.session.aclose()
    return record


def _explain_all(factory: TargetFactory, target: Target, record: Record) -> None:
    """Say what refused us, with its fix, each once: the operator has to know, and no reader of the report."""
    questions: dict[str, list[str]] = {}
    errors: dict[str, PollError] = {}
    for question, exchange in record.exchanges.items():
        if exchange.error is not None and (exchange.error is record.ended or exchange.status in _DENIED):
            questions.setdefault(exchange.error.message, []).append(question)
            errors[exchange.error.message] = exchange.error
    for message, error in errors.items():
        _explain(factory, target, ", ".join(questions[message]), error)


def _explain(factory: TargetFactory, target: Target, what: str, failed: PollError) -> None:
    error = sanitized_error(failed, factory.known)
    fix = for_failure(target.platform, error.reason, target.sign_in).fix
    _tell(f"{what}: {error.reason.value}: {error.message} (fix: {fix})")


def _tell(text: str) -> None:
    print(visible(plain(text)), file=sys.stderr)  # noqa: T201
