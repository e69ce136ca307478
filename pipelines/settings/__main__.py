"""``python -m pipelines.settings``: prints every setting, or checks a configuration."""

from pipelines.settings.model import main

raise SystemExit(main())
