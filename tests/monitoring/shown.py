"""What scrapes bring of a view: the exporter's own page, minute by minute, as input series of promtool."""

from __future__ import annotations

from exporter.state.snapshot import View
from tests.harness.exposition import page_of, samples


def series_of(job: str, *phases: tuple[View, int]) -> dict[str, list[float | None]]:
    """Return the series of ``job`` that shows each view for so many minutes, with the polls that were finished."""
    found: dict[str, list[float | None]] = {}
    passed = 0
    for view, minutes in phases:
        for name, value in _page(job, view).items():
            values = found.setdefault(name, [])
            values += [None] * (passed - len(values)) + [value] * minutes
        passed += minutes
    return {name: [*values, *[None] * (passed - len(values))] for name, values in found.items()}


def _page(job: str, view: View) -> dict[str, float]:
    polls = {
        (target.name, str(state.collector)): state.finished_polls for target in view.targets for state in target.collectors
    }
    found: dict[str, float] = {}
    for (name, labels), value in samples(page_of(view)).items():
        known = dict(labels)
        if name == "booking_sync_collector_polls_total":
            value = float(polls[known["target"], known["collector"]])  # noqa: PLW2901  the page of a process that just began
        text = ",".join(f'{label}="{word}"' for label, word in {**known, "job": job, "instance": "a:10888"}.items())
        if name.startswith("booking_sync_") and not name.endswith("_bucket"):
            found[f"{name}{{{text}}}"] = value
    return found
