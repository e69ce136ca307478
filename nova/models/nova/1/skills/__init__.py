"""What she can do, one skill a file: ``answer(text, turns)`` gives the reply to plain ``text``, or None.

A skill is pure: the same words, conversation and time give the same reply.
"""
