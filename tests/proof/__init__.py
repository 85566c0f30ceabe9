"""The end-to-end proof of pairs: bookings that reach real calendars or do not, and a healthy twin."""
