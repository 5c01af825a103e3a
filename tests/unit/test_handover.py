"""The environment of the start, undone from what the start code of the frozen forms made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubexit.linux import handover
from kubexit.linux.handover import HID, PRIVATE

FROZEN = [
    b"_KUBEXIT_ARGV0=kubexit",
    b"_KUBEXIT_MASK=4001",
    b"_KUBEXIT_IGNORED=10002",
    b"_PYI_ARCHIVE_FILE=/x/kubexit",
    b"_PYI_PARENT_PROCESS_LEVEL=1",
]
entries = (
    st.binary(max_size=20)
    .map(lambda entry: entry.replace(b"\0", b""))
    .filter(lambda entry: entry.partition(b"=")[0] not in PRIVATE and not entry.startswith(HID))
)
hideable = st.sampled_from(
    [b"LD_PRELOAD=x", b"_KUBEXIT_MASK=1", b"STATICX_BUNDLE_DIR=y", b"_PYI_ARCHIVE_FILE=z", b"MALLOC_X=1", b"_KUBEXIT_HID.LD_X=1"],
)


@given(st.lists(entries | hideable), st.sampled_from([FROZEN, FROZEN[::-1]]), st.data())
def test_whatever_is_hidden_comes_back(original: list[bytes], private: list[bytes], data: st.DataObject) -> None:
    """For any environment: hide what the start code hides, put our variables anywhere in between, take over: the same."""
    prefixes = (b"LD_", b"GLIBC_TUNABLES", b"MALLOC_", b"_PYI_", b"PYINSTALLER_", b"STATICX_", b"_KUBEXIT_")
    handed = [HID + entry if entry.startswith(prefixes) else entry for entry in original]
    position = data.draw(st.integers(0, len(handed)))
    handed[position:position] = private
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handover, "_entries", lambda: handed)
        patch.setattr("kubexit.linux.signals.block_all", lambda: 0)
        assert handover.take_over().environment == original
