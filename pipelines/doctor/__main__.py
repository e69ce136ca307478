"""``python -m pipelines.doctor``."""

from pipelines.command.run import run
from pipelines.doctor.program import main

if __name__ == "__main__":
    run(main)
