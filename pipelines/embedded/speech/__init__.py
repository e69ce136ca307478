"""The embedded speech service: a Riva-compatible recogniser and voice for machines without Riva.

``python -m pipelines.embedded.speech --tls DIR`` serves ``nvidia.riva.asr`` and ``nvidia.riva.tts`` on one port.
Moonshine recognises and hibari speaks; where they cannot be had, pocketsphinx and flite do. What they are good for is
told in ``docs/embedded-speech.md``.
"""
