"""The runbooks that an exporter serves: they say the thresholds that are in force, and not those of its start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from exporter.state.thresholds import Thresholds


class ServedRunbooks:
    """The Markdown of all runbooks, by file name; made when somebody asks, and again once a reload changed ``verdicts:``."""

    def __init__(self, thresholds: Callable[[], Thresholds]) -> None:
        self._thresholds = thresholds
        self._made: tuple[Thresholds, Mapping[str, str]] | None = None

    def __call__(self) -> Mapping[str, str]:
        """Return them. Takes long the first time; call it in a thread."""
        now = self._thresholds()
        if self._made is None or self._made[0] != now:
            # Most exporters are never asked, and the bundle is a fifth of what a start would import.
            from exporter.monitoring import Options, runbook_texts  # noqa: PLC0415

            self._made = now, runbook_texts(Options(thresholds=_with_every_alert(now)))
        return self._made[1]


def _with_every_alert(thresholds: Thresholds) -> Thresholds:
    """Return the same with no kind left out: the board lists what is no problem to a user, too, and links its runbook."""
    severities = {kind: severity for kind, severity in thresholds.severities.items() if severity != "ok"}
    return replace(thresholds, severities=severities)
