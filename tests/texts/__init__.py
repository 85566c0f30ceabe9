"""What the status board says in other languages."""
