"""How it becomes known: one poll, and when the next one comes."""
