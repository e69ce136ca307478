"""What watches the stack, as code: Grafana's dashboards and the rules of the voice loop's objectives.

Nothing of it runs in a conversation. ``python -m pipelines.monitoring`` writes the files under ``docker/`` and checks
every query of the dashboards against a Prometheus that is running.
"""
