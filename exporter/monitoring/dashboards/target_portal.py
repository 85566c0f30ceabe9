"""The row of the board of one target that only a Bitrix24 portal fills: links, copies in the staff's calendar, resources."""

from __future__ import annotations

from exporter.monitoring.dashboards.panels import Json, counts, query, top
from exporter.monitoring.promql import one_per, recent


def portal_panels(scope: str) -> list[Json]:
    """Return the panels of this row; ``scope`` selects the target."""
    in_week = f'{{{scope},window="next_7d"}}'
    names = one_per(f"max by (target, resource, name) ({recent(f'booking_sync_resource_info{{{scope}}}')})", "name")
    return [
        counts(
            "Links by entity",
            "Links of the bookings in the next 7 days by their target: CRM entities, events in the staff's calendar, "
            "services; and the bookings without a CRM entity. An entity that falls to 0 points at a broken automation, unless "
            "the unverified bookings rose: their links were read too long ago and are left out. Empty without a links "
            "collector.",
            [
                query(
                    top(f"max by (module, entity_type) ({recent(f'booking_sync_links{in_week}')})"),
                    "{{module}} {{entity_type}}",
                ),
                query(f"max({recent(f'booking_sync_unlinked_bookings{in_week}')})", "without a CRM entity"),
                query(f"max({recent(f'booking_sync_links_unverified_bookings{in_week}')})", "unverified"),
            ],
        ),
        counts(
            "Staff's calendar differs",
            "Bookings in the next 7 days whose copy in the staff's calendar is missing, has moved or was declined, and those "
            "of which that is not known. Anything above 0 but the last is bad. Empty where the portal makes no such copies, or "
            "does not show them.",
            [
                query(f"max by (kind) ({recent(f'booking_sync_calendar_mismatches{in_week}')})", "{{kind}}"),
                query(f"max({recent(f'booking_sync_calendar_unverified_bookings{in_week}')})", "unverified"),
            ],
        ),
        counts(
            "Bookings by resource",
            "Bookings in the next 7 days by resource: the ones with the most. A resource at 0 may have been deleted. "
            "Empty while they are not counted by resource (`per_resource: false`).",
            [
                query(
                    top(
                        f"max by (target, resource) ({recent(f'booking_sync_resource_bookings{in_week}')})"
                        f" * on (target, resource) group_left (name) {names}"
                    ),
                    "{{name}} ({{resource}})",
                )
            ],
        ),
    ]
