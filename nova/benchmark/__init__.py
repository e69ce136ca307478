"""Measures a language model behind any Triton: latency, throughput, batching, and what our client costs beside others.

It is handed open channels and settings, as all of Nova is. ``python -m pipelines.nova_benchmark`` is the program.
"""
