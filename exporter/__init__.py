"""booking-sync-exporter: tells you that a booking calendar fell out of sync, before a customer is double-booked."""

__version__ = "0.1.0"
