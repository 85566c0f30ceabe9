"""The files for Alertmanager: routes, inhibitions, receivers and the messages' templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files as package_files
from typing import Final, TypeAlias

from exporter.monitoring.delivery import Delivery
from exporter.monitoring.hurry import header
from exporter.monitoring.inhibitions import inhibitions, released
from exporter.monitoring.language import messages
from exporter.monitoring.options import Options
from exporter.monitoring.receivers import EXAMPLES, mail_server, receivers, silent
from exporter.monitoring.routes import routes
from exporter.monitoring.yamltext import dump, dump_items, switched_off


def alertmanager_config(options: Options) -> str:
    """Return ``alertmanager.yml``: the reference for routes and inhibitions, with the receivers of ``monitoring.yml``."""
    delivery = options.delivery
    examples = "" if delivery.routes and delivery.office_hours else _EXAMPLES_BELOW
    return _config(
        "# Receivers, addresses and routes of your own come from monitoring.yml (`--monitoring.file`).\n"
        f"{examples}{_version_of(delivery)}{dump({'global': mail_server(delivery)})}",
        receivers(delivery),
        () if delivery.routes else EXAMPLES,
        options,
    )


_EXAMPLES_BELOW: Final = "# Examples are commented out: where no single blank follows a #, YAML stands behind it.\n"


def _version_of(delivery: Delivery) -> str:
    """Return the comment that says on which Alertmanager the file runs, and which way needs a newer one than the oldest."""
    needs = dict(way.needs for _, way in delivery.ways() if way.needs)
    if not needs:
        return "# Runs on Alertmanager 0.25 and newer.\n"
    return f"# Runs on Alertmanager {max(needs.values())} and newer, because of {' and '.join(needs)}.\n"


def demo_config(options: Options) -> str:
    """Return ``alertmanager.demo.yml``: the same routes and inhibitions, and nobody is notified."""
    nobody = "# The routes of alertmanager.yml with receivers that reach nobody.\n"
    own = options.delivery
    return _config(nobody, silent(receivers(own)), () if own.routes else silent(EXAMPLES), options)


def templates(options: Options) -> str:
    """Return the messages' templates."""
    return messages(message_source(), options.language)


def message_source() -> str:
    """Return the messages' templates as they were written: words that have translations stand in double brackets."""
    return (package_files("exporter.monitoring") / "templates" / "booking-sync.tmpl").read_text(encoding="utf-8")


_Receivers: TypeAlias = Sequence[tuple[str, Mapping[str, object]]]


def _config(start: str, receivers: _Receivers, examples: _Receivers, options: Options) -> str:
    rules = [
        (
            inhibition.comment,
            {
                "source_matchers": list(inhibition.source),
                "target_matchers": list(inhibition.target),
                "equal": list(inhibition.equal),
            },
        )
        for inhibition in inhibitions(options)
    ]
    return (
        header(options.hurry)
        + start
        + dump({"templates": ["templates/*.tmpl"]})
        + routes(options.delivery, options.hurry)
        + "inhibit_rules:\n"
        + "  # Sources keep firing for longer than what they inhibit: at the recovery that is gone before the silence ends.\n"
        + "".join(f"  # {source} is switched off, so this is sent: {target}.\n" for source, target in released(options))
        + dump_items(rules, 2)
        + "receivers:\n"
        + dump_items(receivers, 2)
        + switched_off(examples, 2)
    )
