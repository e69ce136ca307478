"""Overlays as versions: what was changed, on which evidence, who agreed, and which conversations get it."""
