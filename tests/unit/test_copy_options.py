"""The command line of the role `cp`."""

from __future__ import annotations

import pytest

from kubexit.commands.copy import RefusedError, Wish, parse


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("/bin/kubexit /kubexit/kubexit", Wish((b"/bin/kubexit",), b"/kubexit/kubexit")),
        ("a b c folder", Wish((b"a", b"b", b"c"), b"folder")),
        ("-f a b", Wish((b"a",), b"b")),
        ("-p a b", Wish((b"a",), b"b", keep=True)),
        ("-a a b", Wish((b"a",), b"b", keep=True)),
        ("-fp a b", Wish((b"a",), b"b", keep=True)),
        ("-paf a b", Wish((b"a",), b"b", keep=True)),
        ("-f -p -f a b", Wish((b"a",), b"b", keep=True)),
        ("a -p b -f", Wish((b"a",), b"b", keep=True)),
        ("-f -- -p b", Wish((b"-p",), b"b")),
        ("-- -- b", Wish((b"--",), b"b")),
        ("- b", Wish((b"-",), b"b")),
    ],
)
def test_command_line_is_understood(words: str, wish: Wish) -> None:
    """Options may be combined, repeated and stand anywhere before `--`."""
    assert parse(words.encode().split()) == wish


@pytest.mark.parametrize("option", ["-r", "-R", "-L", "-px", "-p-f", "--recursive", "--force", "-v", "---", "--help"])
def test_unknown_option_is_refused_by_name(option: str) -> None:
    """With what there is instead."""
    with pytest.raises(RefusedError) as error:
        parse([option.encode(), b"a", b"b"])
    for words in (f"unknown option {option}:", "-a, -f and -p", "usage: cp"):
        assert words in str(error.value)


@pytest.mark.parametrize(("words", "missing"), [([], "no file is given"), ([b"-p"], "no file is given"), ([b"a"], "no target is given for a")])
def test_missing_operand_is_refused(words: list[bytes], missing: str) -> None:
    """With the usage."""
    with pytest.raises(RefusedError) as error:
        parse(words)
    assert missing in str(error.value)
    assert "usage: cp" in str(error.value)
