"""Tools that the runtime runs itself: those that come along, and where others are plugged in."""
