"""A Triton model repository from outside: is it sound, which versions does it hold, which of them are served.

``nova/models`` itself holds nothing but models, because Triton takes every folder in it for one, even a
``__pycache__``.
"""
