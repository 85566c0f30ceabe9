"""Everything that reads what others wrote, fed with what they never would: ``make fuzz`` (ARGS="600 --seed 7")."""
