"""What is recorded of that which many targets share: a platform, a credential, a provider."""

from __future__ import annotations

from exporter.monitoring.rules.recording import Recording, RecordingGroup


def shared_recordings() -> RecordingGroup:
    """Return what is recorded of what many targets share."""
    return RecordingGroup(
        "booking-sync-shared",
        "1m",
        (
            Recording(
                "platform:booking_sync_targets:count",
                "count without (target) (max without (collector) (collector:booking_sync_answering:max))",
            ),
            Recording(
                "platform:booking_sync_targets_silent:ratio",
                "1 - avg without (target) (max without (collector) (collector:booking_sync_answering:max))",
                "Share of a platform's targets of which no collector gets an answer.",
            ),
        ),
    )
