"""Hours under faults that strike at random: the real process, both simulated platforms, and a road between them that breaks.

``python -m tests.soak --seconds 7200`` runs it. After each stretch of trouble comes calm, in which every number on the page
is compared with the simulated world, and the process's vitals are taken.
"""
