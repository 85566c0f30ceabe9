"""What any program needs and nothing of bookings is in: secrets, text, logs, files, addresses.

It leans on the errors and the clock; others import its modules one by one.
"""
