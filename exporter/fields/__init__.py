"""What a single setting may be: durations, zones, names, credentials, and what is said of a bad one.

It leans on counting and support, and knows no platform.
"""
