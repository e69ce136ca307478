"""A replay as one HTML page that needs nothing else: no network, no server, no time of now in it.

:mod:`~pipelines.replay.report.html` puts the page together, :mod:`~pipelines.replay.report.figures` works out what is
drawn, :mod:`~pipelines.replay.report.wording` what is said; ``page/`` holds the template, the style and the drawing.
"""

from pipelines.replay.report.html import PAGE, write_report

__all__ = ["PAGE", "write_report"]
