"""The metric families, declared as data."""
