"""What may go wrong in the simulated worlds, and the world of the demo."""
