"""What any program needs and nothing of bookings is in: secrets, text, logs, files."""
