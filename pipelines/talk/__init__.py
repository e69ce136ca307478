"""The runtime of a process, the session of a user, devices, ``--check`` and ``--graph``."""
