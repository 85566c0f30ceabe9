"""What somebody who renders has to know of what was asked for: it is allowed, and perhaps not meant."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.monitoring.alerts.connections import silent_burns
from exporter.monitoring.inhibitions import released
from exporter.monitoring.matchers import Matcher
from exporter.monitoring.options import Options
from exporter.monitoring.unreached import OF_THE_BUNDLE, takes_all, takings


def notes_on(options: Options) -> Iterator[str]:
    """Yield one line for each thing."""
    yield from _silent(options)
    yield from _released(options)
    yield from _taken(options)
    yield from _examples(options)


def _silent(options: Options) -> Iterator[str]:
    if windows := silent_burns(options):
        yield (
            f"note: with an objective of {options.slo:g} BookingSyncErrorBudgetBurn over {', '.join(windows)} never comes, not "
            "even when all connections are in error; an objective of 0.9306 or more has them all"
        )


def _released(options: Options) -> Iterator[str]:
    told: dict[str, list[str]] = {}
    for cause, consequences in released(options):
        told.setdefault(cause, []).append(consequences)
    for cause, names in told.items():
        yield f"note: {cause} is switched off, so these are sent: {', '.join(names)}"


def _taken(options: Options) -> Iterator[str]:
    """Yield what routes of a user's own, which come first, take whole: it may be meant, and the pager is silent then."""
    routes = options.delivery.extra.routes
    jobs = Matcher("job", "=~", "|".join(options.jobs))
    for severity, what, receiver in (("critical", "pages", "pager"), ("warning", "tickets", "tickets")):
        fitting = OF_THE_BUNDLE | {Matcher("severity", "=", severity), jobs}
        for taking, route in zip(takings(routes, ("extra", "routes")), routes, strict=True):
            if takes_all(taking, fitting):
                yield f"note: {taking.name} takes all {what}: they go to {route['receiver']}, and none to {receiver}"
                break


def _examples(options: Options) -> Iterator[str]:
    """Who names one receiver means to be told; the others still have the addresses of the example."""
    named = options.delivery.receivers
    left = [name for name in type(named).model_fields if name not in named.model_fields_set]
    if left and named.model_fields_set:
        yield f"note: receivers has no entry for {' and '.join(left)}: the addresses there are those of the example"
