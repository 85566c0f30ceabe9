"""Calendars that are published as a feed (iCalendar, RFC 5545): bytes of strangers become times, and nothing but times.

What works on the bytes runs in a process of its own (:mod:`exporter.ics.child`), which loads this room and no other. It may
lean on the words alone.
"""
