"""What to do about each failure and each state, by platform: who has to do what, written once.

Probe, status page, API, alerts and runbooks quote it. Each platform has its own words in its ``advice`` module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason


class Advice(msgspec.Struct, frozen=True):
    """``meaning`` says what is the case in one sentence, ``fix`` who has to do what; empty when nothing has to be done."""

    meaning: str
    fix: str


class PlatformAdvice(msgspec.Struct, frozen=True):
    """All advice of one platform: for every reason of a failure, and for the states of its connections if it has any.

    ``sign_ins`` has what is to be said otherwise where it is known how an account is signed in to, by the words of
    :attr:`~exporter.platforms.settings.Target.sign_in`.
    """

    failures: Mapping[Reason, Advice]
    sign_ins: Mapping[str, Mapping[Reason, Advice]] = msgspec.field(default_factory=dict)
    connections: Mapping[ConnectionStatus, Advice] = msgspec.field(default_factory=dict)
    connection_errors: Mapping[ErrorReason, Advice] = msgspec.field(default_factory=dict)

    def failure(self, reason: Reason, sign_in: str = "") -> Advice:
        """Return what a failed poll means, for accounts that are signed in to by ``sign_in`` if it matters how."""
        return self.sign_ins.get(sign_in, {}).get(reason) or self.failures[reason]

    def connection(self, status: ConnectionStatus, error_reason: ErrorReason | None) -> Advice:
        """Return what a connection's state means. ``error_reason`` counts only while the status is ``ERROR``."""
        if status is ConnectionStatus.ERROR and error_reason is not None:
            return self.connection_errors[error_reason]
        return self.connections[status]


EVERYWHERE: Final[Mapping[Reason, Advice]] = {
    Reason.TIMEOUT: Advice(
        "The platform did not answer in time.",
        "Wait: the exporter tries again by itself. If it lasts longer than an hour, "
        "the exporter's operator checks the platform's status page "
        "and the network, then raises the target's `timeout`.",
    ),
    Reason.NETWORK: Advice(
        "There is no connection to the platform: its name was not found, or the connection was refused or lost.",
        "The exporter's operator checks DNS, firewall and proxy of the host, and the target's `base_url` and `proxy` if it has "
        "them.",
    ),
    Reason.TLS: Advice(
        "The encrypted connection failed: certificate not trusted, expired, or for another name.",
        "The exporter's operator checks the host's clock. A private CA, also that of a proxy that intercepts TLS, belongs "
        "in the host's CA certificates (then restart the exporter) or in the target's `tls.ca_file` (then reload it).",
    ),
    Reason.INVALID_RESPONSE: Advice(
        "The answer does not follow the API: it is HTML, cut off, too large or lacks a required field.",
        "Wait: the exporter tries again by itself. If it lasts longer than an hour, the exporter's operator checks `base_url` "
        "and any proxy, then reports a bug with the request id from the log.",
    ),
    Reason.CLIENT_ERROR: Advice(
        "The platform refused the request as wrong.",
        "The exporter's operator compares the target's configuration with the documentation, installs the newest version, "
        "and otherwise reports a bug with code and request id from the log.",
    ),
    Reason.CONFIG: Advice(
        "The configuration in force cannot be used.",
        "The exporter's operator corrects what the message names, then reloads.",
    ),
    Reason.INTERNAL: Advice(
        "A bug in the exporter stopped this poll; other targets are not affected.",
        "The exporter's operator reports the bug with the traceback from the log.",
    ),
}
"""Failures that are the same wherever they happen."""
