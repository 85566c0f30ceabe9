"""The composition root: everything below put together, started, reloaded and stopped.

It leans on all of that, but neither on the simulator nor on the monitoring bundle.
"""
