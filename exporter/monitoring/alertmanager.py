"""The files for Alertmanager: routes, inhibitions, receivers and the messages' templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files as package_files
from typing import TypeAlias

from exporter.monitoring.hurry import header
from exporter.monitoring.inhibitions import INHIBITIONS
from exporter.monitoring.language import messages
from exporter.monitoring.options import Options
from exporter.monitoring.receivers import EXAMPLES, MAIL, RECEIVERS, silent
from exporter.monitoring.routes import routes
from exporter.monitoring.yamltext import dump, dump_items, switched_off


def alertmanager_config(options: Options) -> str:
    """Return ``alertmanager.yml``: the reference for routes and inhibitions, with receivers to put addresses into."""
    return _config(
        "# Routes and inhibitions are the reference; put your own addresses into `global` and `receivers`.\n"
        "# Examples are commented out: where no single blank follows a #, YAML stands behind it. Take these # away.\n"
        "# Runs on Alertmanager 0.25 and newer.\n" + dump({"global": MAIL}),
        RECEIVERS,
        EXAMPLES,
        options.hurry,
    )


def demo_config(options: Options) -> str:
    """Return ``alertmanager.demo.yml``: the same routes and inhibitions, and nobody is notified."""
    nobody = "# The routes of alertmanager.yml with receivers that reach nobody.\n"
    return _config(nobody, silent(RECEIVERS), silent(EXAMPLES), options.hurry)


def templates(options: Options) -> str:
    """Return the messages' templates."""
    return messages(message_source(), options.language)


def message_source() -> str:
    """Return the messages' templates as they were written: words that have translations stand in double brackets."""
    return (package_files("exporter.monitoring") / "templates" / "booking-sync.tmpl").read_text(encoding="utf-8")


_Receivers: TypeAlias = Sequence[tuple[str, Mapping[str, object]]]


def _config(start: str, receivers: _Receivers, examples: _Receivers, hurry: int) -> str:
    inhibitions = [
        (
            inhibition.comment,
            {
                "source_matchers": list(inhibition.source),
                "target_matchers": list(inhibition.target),
                "equal": list(inhibition.equal),
            },
        )
        for inhibition in INHIBITIONS
    ]
    return (
        header(hurry)
        + start
        + dump({"templates": ["templates/*.tmpl"]})
        + routes(hurry)
        + "inhibit_rules:\n"
        + "  # Sources keep firing for longer than what they inhibit: at the recovery that is gone before the silence ends.\n"
        + dump_items(inhibitions, 2)
        + "receivers:\n"
        + dump_items(receivers, 2)
        + switched_off(examples, 2)
    )
