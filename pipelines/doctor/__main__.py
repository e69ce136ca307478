"""``python -m pipelines.doctor``."""

from pipelines.doctor.program import main

if __name__ == "__main__":
    raise SystemExit(main())
