"""Cut a product text into words, numbers and signs that remember where they stood, and find where its headline ends."""

import re
from dataclasses import dataclass

VULGAR = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3, "⅛": 0.125, "⅜": 0.375, "⅝": 0.625, "⅞": 0.875}

_TOKEN = re.compile(
    r"[0-9]+(?:[.,][0-9]+)*"  # 8, 19.5, 1,385, 150x200,50x80 holds "200,50": see `dimensions`
    r"|[½¼¾⅓⅔⅛⅜⅝⅞]"
    r"|[^\W\d_½¼¾⅓⅔⅛⅜⅝⅞]+(?:['’][^\W\d_½¼¾⅓⅔⅛⅜⅝⅞]+)*"
    r"|[^\w\s]|\n"
)


@dataclass(slots=True)
class Tokens:
    """The tokens of one text: `raw` as written, `words` in lower case, and where each starts and ends in the text."""

    text: str
    raw: list[str]
    words: list[str]
    starts: list[int]
    ends: list[int]

    def __len__(self) -> int:
        return len(self.words)


def tokenise(text: str) -> Tokens:
    """Return the tokens of `text`. Digits and letters that touch are parted: "8X7" gives 8, x, 7."""
    raw, starts, ends = [], [], []
    for match in _TOKEN.finditer(text):
        raw.append(match.group())
        start, end = match.span()
        starts.append(start)
        ends.append(end)
    return Tokens(text, raw, [token.lower().replace("’", "'") for token in raw], starts, ends)


def headline_end(tokens: Tokens, abbreviations: frozenset[str]) -> int:
    """Return the index of the token that ends the first sentence: what a shop says first is the product itself.

    A full stop ends it when white space and a capital, a digit or nothing follows, unless it ends an abbreviation
    ("12 in. x 8 in."); so do ! ? and a line end.
    """
    words, raw, starts, ends = tokens.words, tokens.raw, tokens.starts, tokens.ends
    for i, word in enumerate(words):
        if word in ("!", "?", "\n"):
            if i:
                return i
        elif word == "." and i:
            if i + 1 == len(words):
                return i
            following = raw[i + 1]
            spaced = starts[i + 1] > ends[i]
            if spaced and words[i - 1] not in abbreviations and (following[0].isupper() or following[0].isdigit()):
                return i
    return len(words)
