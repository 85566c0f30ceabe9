"""What begins besides others that are not mended: another incident, which those must not hide."""

from __future__ import annotations

from exporter.monitoring.rules.recording import Recording


def besides(began: str, hour: str, named: str, lasts: str, *own: str) -> tuple[Recording, Recording]:
    """Return the recordings ``hour`` and ``named`` for what ``began``, a series that exists for some minutes then.

    ``hour`` is told for a platform; ``named`` has it as the label ``besides`` for as long as ``lasts`` holds. ``own`` are the
    labels that ``began`` has beyond those of a platform.
    """
    labels, an_hour = ", ".join(own), "60 * 60"
    return (
        Recording(
            hour,
            f"last_over_time({hour}[5m]) > time() - 2 * {an_hour}\n"
            f"or 0 * count without ({labels}) ({began}) + time() - time() % ({an_hour})",
            "The full hour in which the first of them was noticed; those that follow within an hour or two are counted to it.",
            seconds=an_hour,
        ),
        Recording(
            named,
            f"last_over_time({named}[1h]) and ignoring (besides) {lasts}\n"
            "or ignoring (besides)\n"
            f'count_values without () (\n  "besides", 0 * {began} + ignoring ({labels}) group_left () {hour}\n)',
            "The same until it is well, with that hour as a label: labels of an alert must not change, and what began besides\n"
            "the others hours later is another incident.",
        ),
    )
