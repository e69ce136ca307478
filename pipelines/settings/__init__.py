"""Settings: one model for everything that can be told, the layers it comes from, and mistakes in plain words."""
