"""The helper program. It says what it finds on standard output, see domain/reports.py; its caller ends it by a SIGKILL.

kubexit-helper pod POD NAMESPACE WHERE_FROM WAIT_SECONDS NAME...     watch a pod; ?NAME: a container that may be missing
kubexit-helper http METHOD URL SECONDS                               make one HTTP request
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  getaddrinfo needs it, and would import it when the single file's bundle is gone
import logging
import os
import sys

import urllib3

from kubexit.domain import reports
from kubexit.helpers import http_action, output
from kubexit.helpers.api import Api
from kubexit.helpers.failures import GoneError, HopelessError
from kubexit.helpers.pod_watch import PodWatch, World
from kubexit.helpers.wish import read_wish
from kubexit.linux.bundle import forget_own_bundle


def main(arguments: list[str]) -> int:
    """Do what the arguments say; give the exit status. Anything unforeseen is left to the interpreter, whose last words are reported."""
    forget_own_bundle(os.environ)
    logging.disable(logging.CRITICAL)  # nothing but reports belongs on the pipe
    urllib3.disable_warnings()
    try:
        match arguments:
            case ["pod", *rest]:
                wish = read_wish(rest)
                PodWatch(wish, World(Api(wish.pod, wish.namespace), output.write)).run()
            case ["http", method, url, seconds]:
                http_action.perform(method, url, float(seconds))
                output.write(reports.format_report(reports.DONE))
            case _:
                raise HopelessError(f"unknown arguments: {arguments[:3]}")  # noqa: TRY301
    except HopelessError as error:
        kind = reports.GONE if isinstance(error, GoneError) else reports.FAILED
        output.write(reports.format_report(kind, str(error)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
