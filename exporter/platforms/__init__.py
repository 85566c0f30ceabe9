"""Booking platforms: one folder each behind the interface of :mod:`exporter.platforms.base`, and what they share.

They lean on fields, counting and support, never on each other; :mod:`exporter.platforms.registry` names them for the rest.
"""

from exporter.support.http_library import import_aiohttp

import_aiohttp()  # before any module here does
