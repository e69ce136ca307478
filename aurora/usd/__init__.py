"""Sophia in USD: a head read from a GLB, a performance on it, and a checker. Needs ``usd-core`` and ``pillow``."""

import os

# Sound has time codes, which version 0.9.0 of USD's binary files brought. Said beforehand, USD warns of nothing.
os.environ.setdefault("TF_ENV_SETTING_ALERTS_ENABLED", "0")
os.environ.setdefault("USD_WRITE_NEW_USDC_FILES_AS_VERSION", "0.9.0")
