"""Read chains of lengths from tokens by a hand-written descent: numbers, fractions, ranges, units, axes."""

from dataclasses import dataclass

from scene_pipeline.catalog.measures import DimensionWords, Measurement
from scene_pipeline.catalog.text import VULGAR, Tokens

_FRACTIONS = {"2", "3", "4", "8", "16", "32"}
_DIGITS = frozenset("0123456789") | VULGAR.keys()
_DIAMETER_SIGNS = frozenset({"ø", "⌀", "∅"})
_CUTS = frozenset({",", ".", ";", "\n", "!", "?"})
_LINK = frozenset({",", ";", "/", "|", "(", ")", "+"})


@dataclass(slots=True)
class Chain:
    """Measures that belong together, and the tokens [first, last) they came from."""

    measures: list[Measurement]
    first: int
    last: int


class DimensionReader:
    """A hand-written descent over the tokens; every method returns what it read and the index after it."""

    def __init__(self, tokens: Tokens, words: DimensionWords) -> None:
        self.t, self.w, self.n = tokens, words, len(tokens)
        digits = [token for token in tokens.words if token[0] in _DIGITS]
        self.has_numbers = bool(digits)
        numbers = [token for token in digits if "," in token]
        after = [len(token.partition(",")[2]) for token in numbers if token.count(",") == 1]
        xs = sum(word in words.by for word in tokens.words)
        all_two = len(after) > 1 and after == [2] * (xs + 1)
        self.comma_decimals = words.decimal_comma or 1 in after or all_two

    def chains(self) -> list[Chain]:
        """Return the chains of measures ("8 x 7 x 3", "W 40 D 35") from left to right, none overlapping."""
        found, i = [], 0
        starts_measure, axes = _DIGITS, self.w.axes
        while i < self.n:
            word = self.t.words[i]
            if word[0] not in starts_measure and word not in axes:
                i += 1
                continue
            if self.in_code(i):
                i = self.after_code(i)
                continue
            measure, after = self.measure(i)
            if measure is None:
                i += 1
                continue
            chain, first = [measure], i
            while True:
                nxt, index = self.next_of_chain(chain[-1], after)
                if nxt is None:
                    break
                chain.append(nxt)
                after = index
            found.append(Chain(chain, first, after))
            i = after
        return self.with_lists(found)

    def with_lists(self, chains: list[Chain]) -> list[Chain]:
        """Set the unit and axis of the numbers of a list: "H: 8, 11 and 14 cm", "6 in, 8 in and 10 in"."""
        i = 0
        while i < len(chains):
            end = i
            while end + 1 < len(chains) and self.goes_on(chains[end], chains[end + 1]):
                end += 1
            links = [
                self.t.words[a.last : b.first] for a, b in zip(chains[i:end], chains[i + 1 : end + 1], strict=True)
            ]
            if end > i and self.w.conjunctions.intersection(links[-1]) and chains[end].measures[0].unit:
                parts = [chain.measures[0] for chain in chains[i : end + 1]]
                axis = parts[-1].axis or parts[0].axis
                for chain, measure in zip(chains[i : end + 1], parts, strict=True):
                    chain.measures = [measure._replace(unit=measure.unit or parts[-1].unit, axis=axis, listed=True)]
            i = end + 1
        return chains

    def goes_on(self, one: Chain, other: Chain) -> bool:
        """Return whether two single lengths belong to one list."""
        link = self.t.words[one.last : other.first]
        if len(one.measures) > 1 or len(other.measures) > 1 or not 0 < len(link) <= 2:
            return False
        before = self.t.words[one.first - 1] if one.first else ""
        axes = {one.measures[0].axis, other.measures[0].axis} - {None}
        signs = all(word == "," or word in self.w.conjunctions for word in link)
        return signs and len(axes) < 2 and before not in self.w.set_of and before not in ("/", "-")

    def in_code(self, i: int) -> bool:
        """Return whether a number is part of a product code: "RG8159M" is not 8,159 meters."""
        if i == 0 or self.t.starts[i] != self.t.ends[i - 1] or self.t.words[i][0] not in _DIGITS:
            return False
        before = self.t.words[i - 1]
        if before == "-" and i > 1 and self.t.starts[i - 1] == self.t.ends[i - 2]:  # LMP-200CM
            letters = self.t.text[self.t.starts[i - 2] : self.t.ends[i - 2]]
            return len(letters) > 1 and letters.isalpha() and letters.isupper() and not self.t.text.isupper()
        known = before in self.w.axes or before in self.w.by or before in self.w.units or before in self.w.to_words
        return before.isalpha() and not known and before not in self.w.set_of

    def after_code(self, i: int) -> int:
        """Return the index after a product code's numbers: "TB90x45" is not 45 inches."""
        i += 1
        while i + 1 < self.n and self.t.words[i] in self.w.by and self.t.starts[i] == self.t.ends[i - 1]:
            i += 2
        return i

    def next_of_chain(self, previous: Measurement, i: int) -> tuple[Measurement | None, int]:
        """Return the measure that continues the chain after `previous`: joined by x, or of another named axis."""
        if i < self.n and self.t.words[i] in self.w.by:
            return self.measure(i + 1)
        if previous.axis is None:
            return None, i
        j = i
        while j < self.n and self.t.words[j] in _LINK:
            j += 1
        measure, after = self.measure(j)
        if measure is not None and measure.axis is not None and measure.axis != previous.axis:
            return measure, after
        return None, i

    def measure(self, i: int) -> tuple[Measurement | None, int]:
        """Return the measure that starts at token i, with its range, unit and axis."""
        if i >= self.n:
            return None, i
        axis, j = self.axis_before(i)
        low, high, k = self.number(j)
        if low is None or high is None:
            return None, i
        start = self.t.starts[i]
        unit, k = self.unit(k, j)
        if unit == "ft" and k < self.n:  # 5'6", 5 ft 6 in
            inches, _, after = self.number(k)
            inch_unit, after_unit = self.unit(after, k) if inches is not None else (None, k)
            if inches is not None and inch_unit == "in":
                low, high, unit, k = low * 12 + inches, low * 12 + inches, "in", after_unit
        if k < self.n and self.t.words[k] in self.w.ranges:
            other, top, after = self.number(k + 1)
            percent = after < self.n and self.t.words[after] == "%"  # "70 x 140 cm - 100% cotton"
            if other is not None and top is not None and self.in_range(k) and not percent:
                low, high, k = min(low, other), max(high, top), after
                second, k = self.unit(k, after)
                unit = second or unit
        if axis is None:
            axis, after_axis = self.axis_after(k, unit)
            if axis is not None and unit is None:  # 15(H) cm, 5H inches; "5H in oak" states no inches
                unit, after_unit = self.unit(after_axis, j)
                bracket = self.t.words[after_axis - 1] == ")"
                unit, after_axis = (
                    (unit, after_unit)
                    if bracket or self.t.words[after_axis:after_unit] != ["in"]
                    else (None, after_axis)
                )
            k = after_axis
        if not 0 < high < 1e6 or low <= 0:
            return None, i
        sign = j > i and self.t.words[i] in _DIAMETER_SIGNS
        return Measurement(low, high, axis, unit, start, self.t.ends[k - 1], sign=sign), k

    def in_range(self, k: int) -> bool:
        """Return whether token k makes a range of two numbers: a dash does, a slash only without a space after it."""
        return self.t.words[k] != "/" or self.t.starts[k + 1] == self.t.ends[k]

    def axis_before(self, i: int) -> tuple[str | None, int]:
        """Return the axis named before a number: "W 40", "Height: 30", "Ø20"."""
        axis = self.w.axes.get(self.t.words[i])
        if axis is None:
            return None, i
        j = i + 1
        while j < self.n and (self.t.words[j] in (":", "=", ".") or self.t.words[j] in self.w.fillers):
            j += 1
        return (axis, j) if j < self.n and self.t.words[j][0] in _DIGITS else (None, i)

    def axis_after(self, k: int, unit: str | None) -> tuple[str | None, int]:
        """Return the axis named after a number: `12" H`, "30 cm dia.", "50 cm (H)"; a bare letter must be glued."""
        j = k + 1 if k < self.n and self.t.words[k] in ("-", ".") else k
        if j >= self.n:
            return None, k
        word = self.t.words[j]
        bracket = word == "(" and j + 2 < self.n and self.t.words[j + 2] == ")"
        if bracket:
            word = self.t.words[j + 1]
        axis = self.w.axes.get(word)
        if axis is None or (j + 1 < self.n and self.t.words[j + 1][0] in _DIGITS and not bracket):
            return None, k
        if word in self.w.letters and unit is None:
            joined = self.t.starts[j] == self.t.ends[j - 1]
            chained = j + 1 < self.n and self.t.words[j + 1] in self.w.by
            if not (joined or chained or self.t.words[j - 2 : j - 1] == ["x"]):
                return None, k
        return axis, j + (3 if bracket else 1)

    def number(self, i: int) -> tuple[float | None, float | None, int]:
        """Return (low, high, next index): "19 1/2", "19½", "3/4", "59,88,117" and plain numbers."""
        if i >= self.n:
            return None, None, i
        word = self.t.words[i]
        if word in VULGAR:
            return VULGAR[word], VULGAR[word], i + 1
        if word[0] not in _DIGITS:
            return None, None, i
        values = self.values(word)
        if values is None:
            return None, None, i
        low, high = min(values), max(values)
        j = i + 1
        if j < self.n and self.t.words[j] in VULGAR:
            extra = VULGAR[self.t.words[j]]
            return low + extra, high + extra, j + 1
        gap = j < self.n and (self.t.starts[j] > self.t.ends[i] or self.t.words[j] == "-")
        k = j + 1 if j < self.n and self.t.words[j] == "-" else j
        if gap and self.is_fraction(k):
            part = float(self.t.words[k]) / float(self.t.words[k + 2])
            return low + part, high + part, k + 3
        if self.is_fraction(i) and (i + 3 >= self.n or self.t.words[i + 3] in self.w.units):
            part = float(word) / float(self.t.words[i + 2])
            return part, part, i + 3
        while j + 1 < self.n and self.t.words[j] == "/" and self.in_range(j):  # 67/134/201: the sizes it can take
            more = self.values(self.t.words[j + 1]) if self.t.words[j + 1][0] in _DIGITS else None
            if more is None:
                break
            low, high, j = min(low, *more), max(high, *more), j + 2
        return low, high, j

    def is_fraction(self, i: int) -> bool:
        """Return whether tokens i to i + 2 are a fraction of an inch: "1/2", "15/16", but not "70/80"."""
        if i + 2 >= self.n or self.t.words[i + 1] != "/" or self.t.words[i + 2] not in _FRACTIONS:
            return False
        top = self.t.words[i]
        return (top.isascii() and top.isdigit()) and 0 < len(top) < 3 and int(top) < int(self.t.words[i + 2])

    def values(self, word: str) -> list[float] | None:
        """Return the value of a number, or the values of a list of sizes ("140,200"); None when it is neither."""
        if word in VULGAR:
            return [VULGAR[word]]
        if len(word) > 30:
            return None
        if "," not in word:
            if self.w.decimal_comma and word.count(".") == 1 and len(word.partition(".")[2]) == 3:
                return [float(word.replace(".", ""))]
            return [float(word)] if word.count(".") <= 1 else None
        if "." in word:
            parts = word.replace(",", "")
            return [float(parts)] if parts.count(".") == 1 and word.rfind(".") > word.rfind(",") else None
        parts = word.split(",")
        if len(parts) == 2 and (self.comma_decimals or len(parts[1]) == 1):
            return [float(f"{parts[0]}.{parts[1]}")]
        if len(parts[0]) == 1 and all(len(part) == 3 for part in parts[1:]):
            return [float("".join(parts))]
        if len(parts) == 2 and len(parts[0]) < 3 and len(parts[1]) == 2 and not self.in_chain():
            return [float(f"{parts[0]}.{parts[1]}")]
        return [float(part) for part in parts]

    def in_chain(self) -> bool:
        """Return whether the text joins any numbers by x."""
        return any(word in self.w.by for word in self.t.words)

    def unit(self, i: int, number: int) -> tuple[str | None, int]:
        """Return the unit at token i (or after a hyphen) and the index after it; "set of 2 in blue" holds no inches."""
        if i >= self.n:
            return None, i
        j = i + 1 if self.t.words[i] == "-" and i + 1 < self.n and self.t.words[i + 1] in self.w.units else i
        word = self.t.words[j]
        unit = self.w.units.get(word)
        if unit is None:
            return None, i
        if word == "'" and j + 1 < self.n and self.t.words[j + 1] == "'":
            return "in", j + 2
        before = self.t.words[number - 1] if number else ""
        if word.isalpha() and (before in self.w.set_of or before == "/"):
            return None, i
        if word == '"' and before == '"':
            return None, i
        j += 1
        if j < self.n and self.t.words[j] == "." and word.isalpha() and j + 1 < self.n:
            follows = self.t.words[j + 1]
            if follows in self.w.by or follows in self.w.axes or follows == ",":
                j += 1
        return unit, j

    def is_no_size(self, chain: Chain) -> bool:
        """Return whether a chain is not the product's size."""
        words = self.t.words
        listed = chain.measures[0].listed
        after = words[chain.last] if chain.last < self.n and not listed else ""
        if after in self.w.not_length and chain.measures[-1].unit is None:
            return True
        before = words[max(0, chain.first - 3) : chain.first]
        cut = max((k for k, word in enumerate(before) if word in _CUTS), default=-1)
        before = before[cut + 1 :]
        if any(word in self.w.not_size for word in before):
            return True
        if after in self.w.not_size and len(chain.measures) == 1 and not self.names_next_size(chain.last):
            return True
        single = len(chain.measures) == 1 and chain.measures[0].axis is None
        measure = chain.measures[0]
        if single and measure.unit == "in" and "tv" in words:
            return True
        letter = words[chain.first] in self.w.letters or words[chain.last - 1] in self.w.letters
        if len(chain.measures) > 1 or measure.unit is not None or self.is_trade_size(chain):
            return False
        return letter or measure.axis is None

    def names_next_size(self, i: int) -> bool:
        """Return whether the word at token i belongs to the number after it: "80 cm seat height 45 cm"."""
        following = self.t.words[i + 1 : i + 4]
        number = next((k for k, word in enumerate(following) if word[0] in _DIGITS), None)
        return number is not None and not any(word in (",", ".", ";", "\n") for word in following[:number])

    def is_trade_size(self, chain: Chain) -> bool:
        """Return whether a lone number with an axis letter is a size, as in trade lists: "LAMP 27H", not "3D"."""
        letter, number = self.t.words[chain.last - 1], chain.last - 2
        return (
            letter in self.w.letters
            and letter not in self.w.not_length
            and self.t.starts[chain.last - 1] == self.t.ends[number]
            and chain.measures[0].low >= 4
            and self.t.text.isupper()
        )


def split_groups(tokens: Tokens, end: int, words: DimensionWords) -> Tokens:
    """Split "200,50" in `150x200,50x80` (two sizes of two pieces, not one number), "Hx" in `8"Hx7"W`, "cmx"."""
    if end < len(tokens):
        tokens = Tokens(tokens.text, tokens.words[:end], tokens.starts[:end], tokens.ends[:end])
    if not any(("," in word and len(word) > 1) or word in words.glued for word in tokens.words):
        return tokens
    low, starts, ends = [], [], []
    for i in range(end):
        token = tokens.words[i]
        number = token.count(",") == 1 and "." not in token
        inside = number and 0 < i < end - 1 and tokens.words[i - 1] in words.by and tokens.words[i + 1] in words.by
        if inside and not words.decimal_comma and len(token.partition(",")[2]) > 1:
            left, _, right = token.partition(",")
            middle = tokens.starts[i] + len(left)
            low += [left, ";;", right]
            starts += [tokens.starts[i], middle, middle + 1]
            ends += [middle, middle + 1, tokens.ends[i]]
        elif token in words.glued:
            place = tokens.starts[i]
            for word in words.glued[token]:
                low.append(word)
                starts.append(place)
                place += len(word)
                ends.append(place)
        else:
            low.append(token)
            starts.append(tokens.starts[i])
            ends.append(tokens.ends[i])
    return Tokens(tokens.text, low, starts, ends)
