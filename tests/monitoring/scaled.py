"""Shipped rule groups in divided time, so that hours pass in seconds."""

from __future__ import annotations

from typing import Any

from exporter.monitoring.hurry import divided, divided_expression


def scaled_groups(groups: list[dict[str, Any]], factor: float, interval: str, *, ranges: bool = True) -> list[dict[str, Any]]:
    """Return rule groups that wait ``factor`` times shorter and are evaluated every ``interval``.

    With ``ranges=False`` the expressions stay as they are, for data that really are hours old.
    """
    return [
        {
            **group,
            "interval": interval,
            "rules": [
                {
                    **rule,
                    "expr": divided_expression(rule["expr"], factor) if ranges else rule["expr"],
                    **{key: divided(rule[key], factor) for key in ("for", "keep_firing_for") if key in rule},
                }
                for rule in group["rules"]
            ],
        }
        for group in groups
    ]
