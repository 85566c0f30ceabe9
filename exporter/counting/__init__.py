"""Pure functions over values: windows in time, and how many bookings are in them.

It leans on the model and the errors alone, so that a count can be checked by brute force.
"""
