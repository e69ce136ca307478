"""What the extension does, without Kit: the line to the runtime, the performance, and the face on a stage.

Python's own library and ``pxr`` alone, in the syntax of Python 3.10.
"""
