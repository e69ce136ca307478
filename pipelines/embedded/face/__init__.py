"""The embedded Audio2Face: an Audio2Face-3D-compatible service whose solver is a small numpy network.

``python -m pipelines.embedded.face --tls DIR`` serves it; ``python -m benchmarks.assets.lip_network`` trains the
network on speech that the project synthesises itself.
"""
