"""JSON, read by hand (RFC 8259): importing `json` costs 5 ms at every start."""

from __future__ import annotations

from kubexit.domain.record import Record

DEEPEST = 128  # arrays and objects in each other: each takes a few frames of the interpreter's stack
MOST_DIGITS = 4000  # int() takes quadratic time, and refuses more than 4,300 by itself
BLANKS = " \t\n\r"
DIGITS = "0123456789"
HEX_DIGITS = "0123456789abcdefABCDEF"
WORDS = {"null": None, "true": True, "false": False}
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class JsonObject(Record):
    """An object as it stands there: in its order, names that occur twice included."""

    pairs: tuple[tuple[str, object], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.pairs)

    def all(self, name: str) -> list[object]:
        """Give the values of all members of this name."""
        return [value for known, value in self.pairs if known == name]


def parse_json(text: str) -> object:
    """Give the value: None, a bool, int, float (of any number with a fraction or an exponent), str, list or JsonObject.

    A ValueError says in which line and column what was expected. Refused as well: surrogates that are no pair, as no text has them.
    """
    reader = _Reader(text)
    value = reader.value(0)
    reader.skip_blanks()
    if reader.at < len(text):
        raise reader.expected("the end")
    return value


class _Reader:
    """A text, and how far it was read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def expected(self, what: str) -> ValueError:
        """Give an error that says what was expected here."""
        line = self.text.count("\n", 0, self.at) + 1
        column = self.at - self.text.rfind("\n", 0, self.at)
        found = repr(self.text[self.at]) if self.at < len(self.text) else "the end"
        return ValueError(f"line {line} column {column}: expected {what}, found {found}")

    def here(self) -> str:
        """Give the next character, "" at the end."""
        return self.text[self.at : self.at + 1]

    def take(self, character: str) -> bool:
        """Go past `character` if it comes next."""
        found = self.here() == character
        self.at += found
        return found

    def span(self, characters: str) -> str:
        """Go past all of these characters that come next, and give them."""
        begin = self.at
        while self.at < len(self.text) and self.text[self.at] in characters:
            self.at += 1
        return self.text[begin : self.at]

    def skip_blanks(self) -> None:
        """Go to what comes next."""
        self.span(BLANKS)

    def value(self, depth: int) -> object:
        """Read what comes next, `depth` arrays and objects deep."""
        self.skip_blanks()
        if depth >= DEEPEST and self.here() in ("{", "["):
            raise self.expected(f"at most {DEEPEST} arrays and objects in each other")
        if self.take("{"):
            return self.members(depth)
        if self.take("["):
            return self.items(depth)
        if self.take('"'):
            return self.string()
        if self.here() and self.here() in DIGITS + "-":
            return self.number()
        for word, meaning in WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return meaning
        raise self.expected("a value")

    def members(self, depth: int) -> JsonObject:
        """Read the rest of an object."""
        pairs: list[tuple[str, object]] = []
        self.skip_blanks()
        while pairs or not self.take("}"):
            self.skip_blanks()
            if not self.take('"'):
                raise self.expected("a name in double quotes" if pairs else 'a name in double quotes, or "}"')
            name = self.string()
            self.skip_blanks()
            if not self.take(":"):
                raise self.expected('":"')
            pairs.append((name, self.value(depth + 1)))
            if self.is_last("}"):
                break
        return JsonObject(tuple(pairs))

    def items(self, depth: int) -> list[object]:
        """Read the rest of an array."""
        items: list[object] = []
        self.skip_blanks()
        while items or not self.take("]"):
            items.append(self.value(depth + 1))
            if self.is_last("]"):
                break
        return items

    def is_last(self, end: str) -> bool:
        """Go past the comma after a member or an item, or past the `end`."""
        self.skip_blanks()
        if self.take(end):
            return True
        if not self.take(","):
            raise self.expected(f'"," or "{end}"')
        return False

    def number(self) -> int | float:
        """Read a number."""
        begin = self.at
        self.take("-")
        if not self.take("0"):
            self.digits()
        whole = self.at
        if self.take("."):
            self.digits()
        if self.take("e") or self.take("E"):
            _ = self.take("-") or self.take("+")
            self.digits()
        text = self.text[begin : self.at]
        if len(text) > MOST_DIGITS:
            self.at = begin
            raise self.expected(f"a number of at most {MOST_DIGITS} digits")
        return int(text) if self.at == whole else float(text)

    def digits(self) -> None:
        """Go past one digit or more."""
        if not self.span(DIGITS):
            raise self.expected("a digit")

    def string(self) -> str:
        """Read the rest of a string."""
        parts: list[str] = []
        while not self.take('"'):
            character = self.here()
            if character == "\\":
                parts.append(self.escape())
                continue
            if character < " ":
                raise self.expected("a double quote" if not character else "a control character as its escape, such as \\n")
            if _is_surrogate(ord(character)):
                raise self.expected("text that is UTF-8")
            parts.append(character)
            self.at += 1
        return "".join(parts)

    def escape(self) -> str:
        """Read an escape sequence."""
        begin = self.at
        self.take("\\")
        character = self.here()
        if character in ESCAPES:
            self.at += 1
            return ESCAPES[character]
        if character != "u":
            raise self.expected('one of " \\ / b f n r t u')
        number = self.code_unit()
        if 0xD800 <= number < 0xDC00 and self.text.startswith("\\u", self.at):
            self.at += 1
            low = self.code_unit()
            if 0xDC00 <= low < 0xE000:
                number = 0x10000 + ((number - 0xD800) << 10 | low - 0xDC00)
        if _is_surrogate(number):
            self.at = begin
            raise self.expected("two escapes that make a character, such as \\ud83d\\ude00")
        return chr(number)

    def code_unit(self) -> int:
        """Read the four digits after the u that comes next."""
        self.at += 1
        begin = self.at
        while self.at < begin + 4:
            if not self.here() or self.here() not in HEX_DIGITS:
                raise self.expected("four hexadecimal digits after \\u")
            self.at += 1
        return int(self.text[begin : self.at], 16)


def _is_surrogate(number: int) -> bool:
    return 0xD800 <= number < 0xE000
