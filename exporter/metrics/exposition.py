"""The two text formats: headers differ, sample lines are the same in both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from prometheus_client.utils import floatToGoString

from exporter.metrics.family import TARGET_LABELS, Family, Row


class Format(Enum):
    """A format that a scraper can ask for; the value is its content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    @property
    def content_type(self) -> str:
        """The ``Content-Type`` of a page in this format."""
        return self.value


def header(family: Family, format: Format) -> bytes:  # noqa: A002  the exposition's own word
    """Return the ``# HELP`` and ``# TYPE`` lines of ``family``."""
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    name = family.name
    if format is Format.OPENMETRICS:
        # The newer format escapes quotes, too, and names a counter's family without the suffix of its samples.
        text = text.replace('"', r"\"")
        if family.type == "counter":
            name = name.removesuffix("_total")
    return f"# HELP {name} {text}\n# TYPE {name} {family.type}\n".encode()


def escape(value: str) -> str:
    """Return ``value`` as it stands between the quotes of a label."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def labels_text(labels: Mapping[str, str]) -> str:
    """Return ``labels`` as they stand between the braces."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in labels.items())


def target_labels_text(target: str, platform: str) -> str:
    """Return the two labels that every series of a target begins with."""
    return labels_text(dict(zip(TARGET_LABELS, (target, platform), strict=True)))


def samples(family: Family, target_labels: str, rows: Iterable[Row], *, suffix: str = "", more: tuple[str, ...] = ()) -> bytes:
    """Return the sample lines of one target: ``rows`` hold the values of the family's own labels, then those of ``more``.

    ``target_labels`` is :func:`target_labels_text`; ``suffix`` is that of a histogram's samples.
    """
    names = family.own_labels + more
    # One template a family and target: what is left for each of up to 100,000 lines is filling in its values.
    fixed = f"{family.name}{suffix}{{{target_labels}".replace("%", "%%")
    template = fixed + "".join(f',{name}="%s"' for name in names) + "} %s\n"
    return encode("".join([template % (*map(escape, values), number_text(number)) for values, number in rows]))


def number_text(number: float) -> str:
    """Return ``number`` as prometheus-client writes it; most are 0 or 1."""
    if number == 0:
        return "0.0"
    if number == 1:
        return "1.0"
    return str(floatToGoString(number))  # type: ignore[no-untyped-call]  # the library leaves it untyped


def encode(text: str) -> bytes:
    """Return UTF-8. Half a surrogate pair (possible in JSON) becomes ``?``: one odd name must not cost the whole page."""
    return text.encode(errors="replace")
