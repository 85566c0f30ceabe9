"""The commands, one file each; what is global to the process is set here.

They lean on everything, and only the command line leans on them; `__main__` runs those that need no library (fast_path.py).
"""
