"""Read HTML as the text a person sees: list items, table rows and definitions become lines, with their labels."""

import html
import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

_TAG = re.compile(r"<(?:[a-zA-Z][^<>]*|/[a-zA-Z][^<>]*|!--|!doctype)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,31}|#\d{1,7}|#x[0-9a-fA-F]{1,6});?")
_BULLET = re.compile(r"^(?:[•●▪◦·✓✔►–—*]|-(?=\s))\s*")
_LABELLED = re.compile(r"^[^\W\d][\w /()'-]{0,40}\s*[:=]\s*\S")
_LIKE_LINES = re.compile(r"^(?:[•●▪◦·✓✔►*-]\s|[^\W\d][\w /()'-]{0,40}:)", re.MULTILINE)

SEPARATOR = "\x1e"
"""Separates texts that were put into one cell from several columns."""

_BLOCKS = frozenset(
    ("address", "article", "aside", "blockquote", "br", "caption", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
    "legend", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead",
    "tr", "ul",)
)  # fmt: skip
_HIDDEN = frozenset(
    ("iframe", "math", "noscript", "object", "script", "select", "style", "svg", "template", "textarea", "title",)
)  # fmt: skip
_HIDDEN_TAG = re.compile(f"<(?:{'|'.join(sorted(_HIDDEN))})", re.IGNORECASE)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "dt", "th", "summary"))
_CELLS = frozenset(("td", "th"))
_BOLD = frozenset(("b", "strong"))
_LABEL_WORDS = 4


def text_of(cell: str) -> str:
    """Return a cell's text: HTML as lines, plain text as one line.

    Lines of plain text stay separate only where some of them have labels or bullets.
    """
    if SEPARATOR in cell:
        return "\n".join(text for part in cell.split(SEPARATOR) if (text := text_of(part)))
    if "<" in cell or "&" in cell:
        cell, parsed = _unmarked(cell)
        if parsed:
            return _lines(cell.split("\n"))
    if "\n" in cell and _LIKE_LINES.search(cell):
        return _lines(cell.splitlines())
    return " ".join(cell.split())


def _unmarked(cell: str) -> tuple[str, bool]:
    """Return the text of a cell without its markup, and whether it had any; markup that was escaped counts too."""
    for _ in range(2):
        if _TAG.search(cell):
            return _parse(cell), True
        if not _ENTITY.search(cell):
            break
        cell = html.unescape(cell)
    return cell, False


def _lines(lines: list[str]) -> str:
    cleaned = (_BULLET.sub("", " ".join(line.split())) for line in lines)
    return "\n".join(line for line in cleaned if line)


def _parse(cell: str) -> str:
    parser = LexborHTMLParser(cell.encode("utf-8", "replace"))
    if _HIDDEN_TAG.search(cell):
        parser.strip_tags([*_HIDDEN], recursive=True)
    root = parser.body
    return "" if root is None else "".join(_Writer().write(root))


class _Writer:
    """Writes a tree's text piece by piece; a row of two cells, a definition and a bold label become "name: value"."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.at_start = True
        self.header: list[str] = []

    def write(self, root: LexborNode) -> list[str]:
        for node, opens in _walk(root):
            tag = node.tag or ""
            if tag == "-text":
                self.text(node.text_content or "")
            elif tag == "tr":
                if opens:
                    self.row(node)
            elif tag in _BLOCKS:
                heading = not opens and tag in _HEADINGS and not self.at_start
                self.line(": " if heading and self.is_label(node) else "\n")
            elif tag in _BOLD and not opens and self.is_label(node) and self.starts_line(node):
                self.pieces.append(": ")
        return self.pieces

    def text(self, text: str) -> None:
        text = " ".join(text.split("\n")) if "\n" in text else text
        if text.strip():
            self.at_start = False
            self.pieces.append(text)
        elif text and not self.at_start:
            self.pieces.append(" ")

    def line(self, sign: str) -> None:
        if not self.at_start:
            self.pieces.append(sign)
            self.at_start = sign == "\n"
            if sign == ": ":
                self.at_start = True

    @staticmethod
    def is_label(node: LexborNode) -> bool:
        """Return whether an element has only a few words, as a label has."""
        only = node.child
        if only is None or only.tag != "-text" or only.next is not None:
            return False
        words = (only.text_content or "").split()
        return 0 < len(words) <= _LABEL_WORDS and words[-1][-1] not in ":.!?," and any(c.isalpha() for c in words[0])

    @staticmethod
    def starts_line(node: LexborNode) -> bool:
        """Return whether an inline element is the first in its block and something follows it."""
        before, after = node.prev, node.next
        while before is not None and before.tag == "-text" and not (before.text_content or "").strip():
            before = before.prev
        follows = after is not None and (after.tag != "-text" or bool((after.text_content or "").strip()))
        starts_with_sign = (
            after is not None
            and after.tag == "-text"
            and (after.text_content or "").lstrip()[:1] in (":", "=", "-", "–")
        )
        return (before is None or before.tag in _BLOCKS) and follows and not starts_with_sign

    def row(self, node: LexborNode) -> None:
        """Write a table's row: "name: value" of two cells, each with its column's heading where there is one."""
        self.line("\n")
        cells = [child for child in _children(node) if child.tag in _CELLS]
        texts = [" ".join(cell.text(deep=True, separator=" ").split()) for cell in cells]
        if cells and all(cell.tag == "th" for cell in cells) and len(cells) > 1:
            self.header = texts
            return
        if len(texts) == len(self.header):
            lines = [f"{name}: {text}" for name, text in zip(self.header, texts, strict=True) if text]
        elif len(texts) % 2 == 0:
            pairs = zip(texts[::2], texts[1::2], strict=True)
            lines = [f"{name.rstrip(' :')}: {text}" if name and text else name or text for name, text in pairs]
        else:
            lines = [" ".join(texts)]
        self.pieces += [f"{line}\n" for line in lines if line]
        self.at_start = True


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        yield child
        child = child.next


def _walk(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Yield (node, True) where an element opens and (node, False) where it closes; comments are skipped.

    Written without recursion, since markup from outside may be nested thousands of levels deep; rows are read as a
    whole.
    """
    node: LexborNode | None = root.child
    parents: list[LexborNode] = []
    while node is not None or parents:
        if node is None:
            node = parents.pop()
            yield node, False
            node = node.next
            continue
        tag = node.tag or ""
        if tag == "head" or (tag.startswith(("-", "!")) and tag != "-text"):
            node = node.next
            continue
        yield node, True
        child = None if tag in ("tr", "-text") else node.child
        if child is None:
            if tag != "-text":
                yield node, False
            node = node.next
        else:
            parents.append(node)
            node = child
