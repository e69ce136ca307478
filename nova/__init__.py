"""Nova, Sophia's mind: clients for the served language model, prompts and history.

Knows nothing of speech (``sophia``), the face (``aurora``) or the programs that join them (``pipelines``).
"""
