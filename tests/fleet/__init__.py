"""A fleet of businesses on one machine: a lean fake of both platforms, and the exporter that watches it, measured.

The fake shares no code with ``exporter.simulator`` nor with the exporter's decoders, so that a mistake of theirs shows. It
knows only what the default collectors ask, without incidents, and is quick: thousands of targets fit on one core.
"""
