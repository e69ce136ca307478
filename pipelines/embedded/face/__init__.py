"""The embedded Audio2Face: an Audio2Face-3D-compatible service whose solver is a small numpy network.

``python -m pipelines.embedded.face --tls DIR`` serves it; ``python -m pipelines.embedded.face.train`` trains the
network on speech that the project synthesises itself.
"""
