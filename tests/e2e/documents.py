"""Manifests of documents: complete ones and parts of one, with the names of images that only their authors have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from e2e.images import references

if TYPE_CHECKING:
    from collections.abc import Mapping

IMAGE = re.compile(r"(?<=image: )[^\s#,}]+")


def with_our_images(text: str, images: Mapping[str, str]) -> str:
    """Exchange the images of a manifest and nothing else; `images` says by which of ours. A KeyError if there is one that it does not know."""
    return IMAGE.sub(lambda found: references()[images[found[0]]], text)


def completed(part: str, **containers: Mapping[str, Any]) -> str:
    """Give a pod of the name `completed` for a part of a pod's spec; `containers` come to those of the part, or what they say comes to them."""
    spec = {"restartPolicy": "Never", **yaml.safe_load(part)}
    merged = {each["name"]: each for each in spec.get("containers", [])}
    for name, more in containers.items():
        merged[name] = {"name": name, **merged.get(name, {}), **more}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "completed"}, "spec": {**spec, "containers": list(merged.values())}}
    return yaml.safe_dump(pod)
