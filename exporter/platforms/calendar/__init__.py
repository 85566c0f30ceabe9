"""An owner's own calendar: when it says that they are busy."""
