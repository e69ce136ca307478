"""The doctor: one command that tells in a minute what works on a machine, what does not, and what to do about it.

``docs/doctor.md`` is its manual. Three phases: ``base`` looks at the machine, ``framework`` at the services around the
loop, ``integration`` holds one turn of conversation with them.
"""
