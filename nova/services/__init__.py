"""Clients for the services a mind can be served by: Triton, or anything OpenAI-compatible."""
