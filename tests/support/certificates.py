"""Certificates for fake API servers: a CA as a cluster has it, and what it has signed. Made by the openssl program, once per run."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
NAMES = "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost,IP:127.0.0.1,IP:::1"
CLUSTER = "cluster"  # the CA that a pod is given
ELSEWHERE = "DNS:elsewhere.example,IP:192.0.2.1"


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="kubexit-certificates-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"openssl {' '.join(arguments)}: {done.stderr}"


@cache
def authority(name: str) -> Path:
    """Give the certificate of a CA. One of another name has another key."""
    certificate = _folder() / f"{name}-ca.crt"
    how = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign"]
    key = str(certificate.with_suffix(".key"))
    _openssl("req", "-x509", *KEY, "-keyout", key, "-out", str(certificate), "-days", "2", "-subj", f"/CN={name}", *how)
    return certificate


@cache
def leaf(names: str = NAMES, *, signed_by: str = CLUSTER, days: int = 2) -> Path:
    """Give a server's certificate and key, in one file. `days` below zero: it has expired."""
    ca = authority(signed_by)
    made = Path(tempfile.mkdtemp(dir=_folder()))
    request, key, certificate, extensions = (str(made / name) for name in ("request", "key", "certificate", "extensions"))
    Path(extensions).write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth\n"
        f"subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nsubjectAltName={names}\n"
    )
    _openssl("req", "-new", *KEY, "-keyout", key, "-out", request, "-subj", "/CN=kube-apiserver")
    sign = ["-CA", str(ca), "-CAkey", str(ca.with_suffix(".key")), "-CAcreateserial", "-extfile", extensions, "-days", str(days)]
    _openssl("x509", "-req", "-in", request, "-out", certificate, *sign)
    whole = made / "leaf.pem"
    whole.write_bytes(Path(certificate).read_bytes() + Path(key).read_bytes())
    return whole
