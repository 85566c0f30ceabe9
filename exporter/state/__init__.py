"""What is known now, and what it means: the newest observations, since when, what is broken and who mends it.

It leans on the platforms for their advice, and on nothing that polls or shows.
"""
