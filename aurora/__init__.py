"""Aurora, Sophia's face: Audio2Face bridge, face timeline and idle motion.

Knows nothing of speech (``sophia``), the mind (``nova``) or the programs that join them (``pipelines``).
"""
