"""What a single setting may be: durations, zones, names, credentials."""
