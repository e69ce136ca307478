"""Measures a language model behind any Triton: latency, throughput, batching, and what our client costs beside others.

``python -m nova.benchmark`` is the program. Everything but ``__main__`` is handed open channels and settings, as all of
Nova is; ``__main__`` alone, being a program, takes channels, TLS and settings files from ``pipelines``.
"""
