"""How Hypothesis works here: the same examples every time, no clock, its files in the folder of caches."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings

os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(__file__).parents[2] / ".cache" / "hypothesis"))
# A test of a machine that others share must not fail because it was slow, nor only sometimes; print_blob says how to have a failure again.
settings.register_profile("kubexit", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("kubexit")
