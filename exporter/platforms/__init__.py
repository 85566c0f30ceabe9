"""Booking platforms: one folder each behind the interface of :mod:`exporter.platforms.base`."""
