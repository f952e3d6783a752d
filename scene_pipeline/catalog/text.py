"""Split a product text into words, numbers and signs with their places, and find where its headline ends."""

import re
from dataclasses import dataclass

VULGAR = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3, "⅛": 0.125, "⅜": 0.375, "⅝": 0.625, "⅞": 0.875}

_LETTER = "[^\\W\\d_½¼¾⅓⅔⅛⅜⅝⅞]"
_TOKEN = re.compile(
    r"[0-9]+(?:[.,][0-9]+)*"  # 8, 19.5, 1,385, and "200,50" in 150x200,50x80: see `dimensions`
    rf"|{_LETTER}+(?:'{_LETTER}+)*"
    r"|[½¼¾⅓⅔⅛⅜⅝⅞]"
    rf"|(?<!{_LETTER})-|-(?!{_LETTER})"  # a hyphen between letters separates two words and is not a token
    r"|[^\w\s-]|\n"
)
_GLUED_COMMA = re.compile(rf"(?<=\S),(?={_LETTER})")
_SAME = str.maketrans({"’": "'", "‐": "-", "‑": "-"})


@dataclass(slots=True)
class Tokens:
    """The tokens of one text in lower case, and where each starts and ends in the text."""

    text: str
    words: list[str]
    starts: list[int]
    ends: list[int]

    def __len__(self) -> int:
        return len(self.words)


def tokenize(text: str) -> Tokens:
    """Return the tokens of `text`. Adjacent digits and letters are separated: "8X7" gives 8, x, 7.

    A hyphen between letters is dropped, and a comma without a space after it ("white,black") is read as a slash, so
    that "off-white" and "off white" are the same words and "white, black" are two.
    """
    lower = text.lower()
    if len(lower) != len(text):  # a few capitals (İ) become two characters; places must stay those of `text`
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    if not lower.isascii():
        lower = lower.translate(_SAME)
    if "," in lower:
        lower = _GLUED_COMMA.sub("/", lower)
    words, starts, ends = [], [], []
    for match in _TOKEN.finditer(lower):
        words.append(match[0])
        start, end = match.span()
        starts.append(start)
        ends.append(end)
    return Tokens(text, words, starts, ends)


def headline_end(tokens: Tokens, abbreviations: frozenset[str]) -> int:
    """Return the index of the token that ends the first sentence: what a shop says first is the product itself.

    A full stop ends it when white space and a capital, a digit or nothing follows, unless it ends an abbreviation
    ("12 in. x 8 in."); so do ! ? and a line end.
    """
    words, starts, ends = tokens.words, tokens.starts, tokens.ends
    for i, word in enumerate(words):
        if len(word) > 1:
            continue
        if word in ("!", "?", "\n"):
            if i:
                return i
        elif word == "." and i:
            if i + 1 == len(words):
                return i
            following = tokens.text[starts[i + 1]]
            spaced = starts[i + 1] > ends[i]
            if spaced and words[i - 1] not in abbreviations and (following.isupper() or following.isdigit()):
                return i
    return len(words)
