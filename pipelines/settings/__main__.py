"""``python -m pipelines.settings``: prints every setting, or checks a configuration."""

from pipelines.command.run import run
from pipelines.settings.model import main

run(main)
