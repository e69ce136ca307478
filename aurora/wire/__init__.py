"""Audio2Face-3D's wire format, generated from ``proto/aurora/wire`` when the package is built.

In a checkout, ``pip install -e .`` generates it. Nothing here is written by hand.
"""
