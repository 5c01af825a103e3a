"""The part of the kubernetes package that the helper program needs, made of the installed one, and stand-ins for what it needs a name of.

The package's own __init__ modules import every API and every model of Kubernetes, a second of work. Here each is what its name needs.
"""

import importlib.util
from pathlib import Path

# of the kubernetes package, as they are
KEPT = (
    *("client.configuration", "client.exceptions", "client.rest", "config.config_exception", "config.incluster_config"),
    *("utils._retry_base", "utils.keepalive", "utils.retry"),
)
# Modules that take the place of the real ones. Of those of Python's own library (and typing_extensions) the client uses just these
# names, and importing the real ones takes a third of the helper's start.
STAND_INS = {
    "kubernetes.__init__": "",
    "kubernetes.client.__init__": "from kubernetes.client.configuration import Configuration\n",
    "kubernetes.config.__init__": "",
    "kubernetes.utils.__init__": "",
    # all that anybody is given of it; the same in Python, 84 kB, is for interpreters without it
    "datetime": "from _datetime import *\n",
    # urllib3.http2: for a package that is not here
    "importlib.metadata": "def version(name):\n    raise ModuleNotFoundError(name)\n",
    # dataclasses: for docstrings
    "inspect": "def signature(_):\n    return ''\n",
    # kubernetes.client.configuration: for the number of processors
    "multiprocessing": "from os import cpu_count\n",
    # the same, for annotations
    "typing_extensions": "from typing import NotRequired, Self\n",
    # the same, for proxies: the API server is never asked through one
    "urllib.request": "def getproxies():\n    return {}\n",
    # typing: an extension module of one function, which Debian did not build into the interpreter
    "_typing": "def _idfunc(_, argument):\n    return argument\n",
}


def make(folder: Path) -> dict[str, Path]:
    """Write all of them below `folder`, to be found there as modules; give the stand-ins by name."""
    installed = importlib.util.find_spec("kubernetes")
    if installed is None or installed.origin is None:
        raise SystemExit("client.py: the package kubernetes is not installed")
    for name in KEPT:
        kept = Path(installed.origin).parent / (name.replace(".", "/") + ".py")
        _write(folder, f"kubernetes.{name}", kept.read_text())
    return {name.removesuffix(".__init__"): _write(folder, name, text) for name, text in STAND_INS.items()}


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / (name.replace(".", "/") + ".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
