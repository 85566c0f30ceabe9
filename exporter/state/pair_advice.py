"""What to do about what a pair shows: bookings and the owner's own calendar."""

from __future__ import annotations

from typing import Final

from exporter.platforms.advice import Advice

NOT_IN_CALENDAR: Final = Advice(
    "These bookings are not in the calendar of the person who serves them, although others arrived there. Without it this "
    "person does not know of them.",
    "The front desk tells the person who is to serve them. The calendar's owner reconnects the calendar on the booking "
    "platform and looks whether the bookings appear in it.",
)
SHIFTED: Final = Advice(
    "In the owner's calendar all missing bookings stand by the same time too early or too late: a time zone is set wrong, and "
    "whoever looks there comes at the wrong time.",
    "The front desk tells the person who is to serve them the right times. An administrator of the account compares the time "
    "zones of the business, of the staff member and of the calendar, and corrects the wrong one.",
)
LEFT_BEHIND: Final = Advice(
    "These bookings were cancelled, and the owner's calendar still keeps their times: the person waits for nobody, and a "
    "calendar that blocks bookings blocks them, too.",
    "The calendar's owner deletes these entries. If others stay behind, they reconnect the calendar on the booking platform.",
)
NOT_BLOCKING: Final = Advice(
    "The owner's calendar says that they are busy at these times, and the booking platform does not know it, so customers can "
    "book them.",
    "The calendar's owner reconnects the calendar and lets the booking platform import it. Until then, the front desk blocks "
    "these times by hand.",
)
NONE_ARRIVES: Final = Advice(
    "No booking was ever seen as a busy time of this calendar, so the pair cannot say that one is missing. The bookings do not "
    "arrive, they arrive in another calendar, or their copies are marked as free.",
    "The calendar's owner looks for one of the next bookings in the calendar. If it is in another calendar, the exporter's "
    "operator names that one in the pair. If it is in none, the owner connects the calendar on the booking platform. If it is "
    "there and marked as free, the operator removes the pair.",
)
MARKED_FREE: Final = Advice(
    "The bookings are in the calendar and marked as free, as whoever writes them there does it. Free times cannot be told "
    "from times without a booking, so the pair cannot say that one is missing.",
    "If the booking platform can write its bookings as busy, the calendar's owner switches that on. If it cannot, the "
    "exporter's operator removes the pair: it will prove nothing.",
)
