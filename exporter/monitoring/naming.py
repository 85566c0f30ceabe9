"""The label that tells clusters apart, under the name that a user's Prometheus gives it.

Rules, boards, routes and texts are written with ``cluster``; what is rendered has the other name in every place where that
word is a label. It is an external label, so nothing that the exporter says is called so.
"""

from __future__ import annotations

import re
from typing import Final

CLUSTER: Final = "cluster"

_PLACES: Final = re.compile(
    r"(?P<before>"
    r"\b(?:on|by|ignoring|without|group_left|group_right) \((?:\w+, )*"  # a list of labels in PromQL
    r"|\$labels\.|\.CommonLabels\.|\.Labels\.|\.GroupLabels\."  # a template
    r"|[{,](?=cluster=%q)"  # a query inside a template
    r"|\n[ #]+- (?=cluster\n)"  # group_by and equal
    r"|\b(?=cluster=CLUSTER)|(?<=`)(?=cluster`)"  # runbooks
    rf"){CLUSTER}\b"
)


def with_cluster_label(text: str, label: str) -> str:
    """Return a rendered file in which ``label`` tells clusters apart."""
    return text if label == CLUSTER else _PLACES.sub(lambda found: found["before"] + label, text)
