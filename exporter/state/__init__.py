"""What is known now, and what it means."""
