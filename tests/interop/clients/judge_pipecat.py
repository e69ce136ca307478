"""Reads a record of server events by pipecat's models; tells of those that it cannot read, or does not know."""

import sys
from pathlib import Path

from pipecat.services.openai.realtime.events import parse_server_event

for line in Path(sys.argv[1]).read_text().splitlines():
    try:
        known = parse_server_event(line) is not None
    except Exception:
        known = False
    if not known:
        print(line)
