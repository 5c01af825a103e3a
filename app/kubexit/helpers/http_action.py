"""One HTTP request that asks a program to stop, as the kubelet makes its httpGet probes and hooks."""

from __future__ import annotations

import urllib3

from kubexit import __version__
from kubexit.helpers import words
from kubexit.helpers.failures import HopelessError

WELL = range(200, 400)  # what the kubelet takes for success


def perform(method: str, url: str, seconds: float) -> None:
    """Make the request; a HopelessError says why it was not answered well.

    Certificates are not verified, as the kubelet does not: what answers on a port of the own pod has one that nobody vouches for.
    No redirect is followed, no proxy asked, and nothing secret is sent.
    """
    if not url.startswith(("http://", "https://")):
        raise HopelessError(f"{url} is no address of HTTP")
    manager = urllib3.PoolManager(cert_reqs="CERT_NONE", assert_hostname=False, retries=False)
    headers = {"User-Agent": f"kubexit/{__version__}", "Accept": "*/*", "Connection": "close"}
    try:
        answer = manager.request(method, url, headers=headers, timeout=urllib3.Timeout(total=seconds), redirect=False, preload_content=False)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise HopelessError(words.of_exception(error, url)) from None
    answer.close()
    if answer.status not in WELL:
        raise HopelessError(words.of_status(answer.status, answer.reason or "", "", url))
