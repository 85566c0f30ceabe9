"""What may go wrong in the simulated worlds, and the world of the demo.

They lean on both simulated platforms, which do not know them.
"""
