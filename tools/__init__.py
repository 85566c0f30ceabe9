"""What only ``make`` runs: the generators of the references. Not part of the wheel."""
