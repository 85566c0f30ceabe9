"""Pure functions over values: windows in time, and how many bookings are in them."""
