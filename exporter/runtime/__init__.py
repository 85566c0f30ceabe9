"""The composition root: everything above put together, started, reloaded and stopped."""
