"""Sophia's live face on the stage that is open in Omniverse."""

from aurora.sophia.live.extension import SophiaLiveExtension

__all__ = ["SophiaLiveExtension"]
