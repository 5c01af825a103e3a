"""Stand-ins for the images that examples/ names, by the last word of their names.

What they have in common with the real ones: where the program is, which options it takes and which it refuses, its ports, and how it ends.
A server is closed until the test tells it to open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.archives import Image, Layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NGINX = "exec puppet serve 8080 closed on-term exit 0"
REDIS_SERVER = "exec puppet serve 6379 closed on-term exit 0"
REDIS_CLI = '[ "$*" = ping ] && exec puppet get 6379 /'
CURL = """
    for url; do :; done
    [ "$url" = http://localhost:8080/ ] || exit 3
    case " $* " in
    *" --retry-connrefused "*) until puppet get 8080 /; do sleep 1; done ;;
    *) exec puppet get 8080 / ;;
    esac
"""
CLOUD_SQL_PROXY = """
    for option; do
        case $option in
        --credentials-file=*) cat "${option#*=}" >/dev/null || exit 1 ;;
        --port=5432 | --health-check | --http-address=0.0.0.0 | --http-port=9090 | --structured-logs) ;;
        -*) echo "Error: unknown flag: $option" && exit 1 ;;
        *) instance=$option ;;
        esac
    done
    echo "proxy for $instance"
    puppet serve 5432 on-term report >/dev/null &
    exec puppet serve 9090 closed on-term exit 143
"""
PSQL = """
    echo "psql $* as $PGUSER of $PGDATABASE"
    [ "$PGHOST $PGSSLMODE $PGPASSWORD" = "127.0.0.1 disable right" ] || exit 2
    exec puppet get 5432 /
"""
MAIN_APP = "exec puppet get 5432 /"
PROGRAMS = {
    "cloud-sql-proxy": {"/cloud-sql-proxy": CLOUD_SQL_PROXY},
    "curl": {"/bin/curl": CURL},
    "main-app-image": {"/main-app": MAIN_APP},
    "nginx-unprivileged": {"/bin/nginx": NGINX},
    "postgres": {"/bin/psql": PSQL},
    "redis": {"/bin/redis-server": REDIS_SERVER, "/bin/redis-cli": REDIS_CLI},
}


def stand_ins(layers: Sequence[Layer]) -> list[Image]:
    """Give them all; `layers` hold a shell and the tests' programs."""
    return [Image(name, [*layers, _scripts(programs)]) for name, programs in PROGRAMS.items()]


def _scripts(programs: Mapping[str, str]) -> Layer:
    return Layer({path: f"#!/bin/sh\n{text}\n".encode() for path, text in programs.items()})
