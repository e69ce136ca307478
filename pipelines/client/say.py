"""Have Sophia say something to everybody who talks to her at a server, at a moment when nobody speaks.

python -m pipelines.client.say 'The door is open.'                word for word, at the server of this machine
python -m pipelines.client.say --ask 'Ada has arrived at the lab.'    she finds the words, in the user's language
echo 'Lunch is ready.' | python -m pipelines.client.say -         from a pipe
python -m pipelines.client.say Hello. --server 'https://spark:8765/#key=…' --ca ca.crt

The server's settings must allow it: server.announcements: true. Exit code 1 says that nobody was there to hear it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.client.address import Address, BadAddress, find_server
from pipelines.command.endings import say
from pipelines.command.run import run

NOBODY, BAD, REFUSED = 1, 2, 3
"""Exit codes, as the other programs have them."""

SECONDS = 10.0
MOST_BYTES = 64 << 10


class NotSaid(Exception):
    """The server did not take it; the message is a line that says why."""


def announce(server: Address, wanted: dict[str, str]) -> int:
    """Posts what is wanted; returns how many conversations were told. Raises :class:`NotSaid`."""
    parts = urlsplit(server.url)
    port = parts.port or (443 if server.tls else 80)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if server.tls:
        connection = http.client.HTTPSConnection(host, port, timeout=SECONDS, context=server.tls)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {server.key}"} if server.key else {})
    try:
        connection.request("POST", "/v1/sophia/say", json.dumps(wanted).encode(), headers)
        response = connection.getresponse()
        body = response.read(MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise NotSaid(f"{parts.hostname}:{port} cannot be reached ({why}); is the server running there?") from None
    finally:
        connection.close()
    try:
        answer = json.loads(body)
        if response.status == http.client.OK:
            return int(answer["told"])
        why = str(answer["error"]["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        why = f"it answers with status {response.status}: is it a Sophia server?"
    raise NotSaid(f"{parts.hostname}:{port}: {' '.join(why.split())[:300]}")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.client.say", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("text", help="what she is to say; -: read it from the standard input")
    add("--ask", action="store_true", help="do not say it word for word: it is what she is to tell of")
    add("--server", default="http://127.0.0.1:8765/", help="address of the server (default: %(default)s)")
    add("--key-file", type=Path, metavar="FILE", help="holds the key (default: that of the address)")
    add("--ca", type=Path, metavar="FILE", help="the authority that signed the server's certificate, PEM")
    args = parser.parse_args(argv)
    text = sys.stdin.read(MOST_BYTES).strip() if args.text == "-" else args.text
    try:
        told = announce(find_server(args.server, args.key_file, args.ca), {"about" if args.ask else "text": text})
    except (BadAddress, NotSaid) as error:
        say(str(error))
        return BAD if isinstance(error, BadAddress) else REFUSED
    if not told:
        say("Nobody is there to hear it.")
        return NOBODY
    print(f"Told in {told} conversation{'' if told == 1 else 's'}.")
    return 0


if __name__ == "__main__":
    run(main)
