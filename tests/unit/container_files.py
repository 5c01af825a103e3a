"""The files that a container has, for those who are given a function that reads them: the trimmed text of one, "" if there is none."""

from __future__ import annotations


def no_file(_path: str) -> str:
    """Be a container without any."""
    return ""


class Files(dict[str, str]):
    """Texts by their paths, and which of them were asked for."""

    def __init__(self, texts: dict[str, str] | None = None) -> None:
        super().__init__(texts or {})
        self.asked: list[str] = []

    def read(self, path: str) -> str:
        """Give one."""
        self.asked.append(path)
        return self.get(path, "")
