"""Sophia's ears and voice: hearing, turn taking, synthesis and playout.

Knows nothing of the mind (``nova``), the face (``aurora``) or the programs that join them (``pipelines``).
"""
