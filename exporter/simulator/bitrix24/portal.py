"""One portal: its world, its credentials, its limits and its state.

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random

from exporter.simulator.bitrix24.customers import Customers
from exporter.simulator.bitrix24.errors import ApiError
from exporter.simulator.bitrix24.limits import PLANS, LeakyBucket, OperatingTime
from exporter.simulator.bitrix24.staff_calendar import StaffCalendar
from exporter.simulator.bitrix24.world import Booking, PortalWorld
from exporter.simulator.diary import Diary

DEFAULT_COSTS = {
    "booking.v1.booking.list": 0.12,
    "booking.v1.booking.externaldata.list": 0.15,
    "booking.v1.resource.list": 0.1,
}
"""Operating seconds per call by method in lower case; what is not named costs ``OTHER_COST``. Nobody sleeps for them."""
OTHER_COST = 0.02


class Portal:
    """A Bitrix24 account.

    ``refusal`` makes every call with a valid credential fail (plan, rights, deleted portal, ...);
    ``booking_tool_disabled`` and ``booking_not_in_plan`` every booking method; ``pressure`` is the rate of other
    applications' requests at our address; ``address`` is the origin that alone is served after a move;
    ``after_page`` holds changes of the world, one of which happens after each page of bookings that is read.
    """

    def __init__(self, name: str, now: Callable[[], float], random: Random) -> None:
        self.name = name
        self.member_id = random.randbytes(16).hex()
        self.random = random
        self.world = PortalWorld()
        self.calendar = StaffCalendar(self.world)
        # A generator of its own, or shuffled answers would decide which customers come.
        self.customers = Customers(self.world, Random(random.getrandbits(64)), now)  # noqa: S311  a reproducible world
        self.diary = Diary(self.customers, now)
        self.costs = dict(DEFAULT_COSTS)
        self.operating = OperatingTime(limit=480.0)
        self.overloaded = False
        self.refusal: ApiError | None = None
        self.booking_tool_disabled = False
        self.booking_not_in_plan = False
        self.pressure = 0.0
        self.address: str | None = None
        self.client_endpoint: str | None = None
        self.server_offset_seconds = 3 * 3600
        self.selections: dict[str, Sequence[Booking]] = {}
        self.after_page: deque[Callable[[PortalWorld], object]] = deque()
        self._plan: tuple[float, float] | None = PLANS["standard"]
        self._buckets: dict[str, LeakyBucket] = {}
        self._pressure_ends = float("inf")

    def set_plan(self, plan: str | None) -> None:
        """Choose ``standard`` (2 per second, 50), ``enterprise`` (5, 250), or ``None``: no limit is enforced."""
        self._plan = None if plan is None else PLANS[plan]
        self._buckets.clear()

    def set_bucket(self, leak: float, threshold: float) -> None:
        """Choose any leak Y (requests per second) and threshold X."""
        self._plan = (leak, threshold)
        self._buckets.clear()

    def admit(self, source: str, now: float) -> bool:
        """Count a request from the address ``source``; ``False`` when the bucket is full."""
        if self._plan is None:
            return True
        bucket = self._buckets.setdefault(source, LeakyBucket(now, *self._plan))
        if now > self._pressure_ends:
            self.press(0.0, self._pressure_ends)
        return bucket.admit(now, self.pressure)

    def press(self, per_second: float, now: float, *, until: float = float("inf")) -> None:
        """Let another application at the same address call the portal, steadily, until the moment ``until``."""
        for bucket in self._buckets.values():
            bucket.level(now, self.pressure)
        self.pressure, self._pressure_ends = per_second, until

    def fill_bucket(self, now: float, source: str = "127.0.0.1") -> None:
        """Let another application at ``source`` use up the allowance at once."""
        if self._plan is not None:
            self._buckets.setdefault(source, LeakyBucket(now, *self._plan)).fill(now)

    def bucket_level(self, now: float, source: str = "127.0.0.1") -> float:
        """Return the counter of the bucket for calls from ``source``."""
        bucket = self._buckets.get(source)
        return bucket.level(now, self.pressure) if bucket else 0.0

    def booking_refusal(self) -> ApiError | None:
        """Return the error of every booking method, told by its text alone: both share the code 0 (bitrix24.md 8.2).

        The documentation has the plan's error with writes. Reads are refused with it as well: nobody knows that they are not.
        """
        if self.booking_tool_disabled:
            return ApiError(0, "Booking tool is disabled. Please contact your administrator.")
        return ApiError(0, "Feature is not available") if self.booking_not_in_plan else None

    def cost(self, method: str) -> float:
        """Return the operating seconds that one call of ``method`` takes."""
        return self.costs.get(method.lower(), OTHER_COST)
