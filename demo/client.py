"""The demo's main container: `client.py PORT REQUESTS` asks the server so many times (0: for ever), a tenth of a second apart."""

from __future__ import annotations

import http.client
import itertools
import sys
import time

PATIENCE = 100  # attempts: "started" is not "listening", as with any container without a readiness probe


def ask(port: int, path: str) -> str:
    """Get one page. The server was started before us, and may need a moment until it listens."""
    for attempt in range(PATIENCE):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            return connection.getresponse().read().decode().strip()
        except ConnectionRefusedError:
            if attempt == PATIENCE - 1:
                raise
            time.sleep(0.02)
    return ""


requests = int(sys.argv[2])
for number in range(1, requests + 1) if requests else itertools.count(1):
    print(f"request {number}: the server says: {ask(int(sys.argv[1]), f'/{number}')}", flush=True)
    time.sleep(0.1)
