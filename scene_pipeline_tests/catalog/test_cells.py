"""Single cells: numbers, lists, addresses and lengths as shops write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_pipeline.catalog import cells


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("315,0", 315.0), ("SR 1,385", 1385.0), ("$1,299.00", 1299.0), ("1.299,00 €", 1299.0), ("1 299,50 kr", 1299.5),
        ("1'299.00", 1299.0), ("1.299", 1299.0), ("12.5", 12.5), ("0,999", 0.999), ("0.5", 0.5), ("-3", -3.0),
        ("1,234,567", 1234567.0), ("£5", 5.0), ("5.", 5.0), ("1\u00a0000", 1000.0),
        ("", None), ("free", None), ("10-20", None), ("10 / 20", None), ("1.2.3,4,5", None), ("٣", 3.0),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float | None) -> None:
    assert cells.parse_number(text) == value


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ('["a", "b"]', ["a", "b"]),
        ("['a', 'b']", ["a", "b"]),
        ("('a', 'b')", ["a", "b"]),
        ("[1, 2]", ["1", "2"]),
        ("a|b; c", ["a", "b", "c"]),
        ("[]", []),
        ("n/a", []),
        (None, []),
        ("[not closed", ["[not closed"]),
        ("[__import__('os')]", ["[__import__('os')]"]),
        ("[" * 5000 + "]" * 5000, ["[" * 5000 + "]" * 5000]),
    ],
)
def test_lists(text: str | None, items: list[str]) -> None:
    assert cells.parse_list(text) == items


def test_addresses_with_commas_stay_whole() -> None:
    assert cells.parse_images("http://h/a,b.jpg, http://h/c.jpg") == ["http://h/a,b.jpg", "http://h/c.jpg"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("https://h/p?x=1&amp;y=2", ["https://h/p?x=1&y=2"]),
        ("https://h/p?x=1&#38;y=2&#x26;z=3", ["https://h/p?x=1&y=2&z=3"]),
        ("https://h/p?x=1&amp;y=2;https://h/q?x=1&amp;y=3", ["https://h/p?x=1&y=2", "https://h/q?x=1&y=3"]),
        ("https://h/p?x=1&amp;y=2, https://h/q.jpg?x=1&amp;y=3", ["https://h/p?x=1&y=2", "https://h/q.jpg?x=1&y=3"]),
        ('["https://h/p?x=1&amp;y=2"]', ["https://h/p?x=1&y=2"]),
        ("https://h/p;v=2/a.jpg?w=1;h=2", ["https://h/p;v=2/a.jpg?w=1;h=2"]),
        ("https://h/f?op=resize|w:3|a&u=1", ["https://h/f?op=resize|w:3|a&u=1"]),
        ("https://h/a.jpg;b.jpg|c/d.png", ["https://h/a.jpg", "b.jpg", "c/d.png"]),
        (
            "https://h/a;https://h/b | https://h/c\nhttps://h/d;",
            ["https://h/a", "https://h/b", "https://h/c", "https://h/d"],
        ),
        ("https://h/a.jpg;n/a;;-", ["https://h/a.jpg"]),
        ("https://h/p?x=1&#038;y=2|https://h/p?x=1&amp;amp;y=3", ["https://h/p?x=1&y=2", "https://h/p?x=1&y=3"]),
        ("https://h/p?x=&quot;1&quot;", ['https://h/p?x="1"']),
        ("https://h/p?x=1&copy=2&lt=3", ["https://h/p?x=1&copy=2&lt=3"]),
        ('"https://h/a.jpg","https://h/b.jpg"', ["https://h/a.jpg", "https://h/b.jpg"]),
        ("[https://h/a.jpg, https://h/b.jpg]", ["https://h/a.jpg", "https://h/b.jpg"]),
        ("<https://h/a.jpg>", ["https://h/a.jpg"]),
        ("'//h/a.jpg'", ["//h/a.jpg"]),
        ("https://h/a.jpg,", ["https://h/a.jpg"]),
        ("https://h/f?e=~'()", ["https://h/f?e=~'()"]),
        ("a.jpg;b;c", ["a.jpg", "b", "c"]),
        ("n/a", []),
    ],
)
def test_an_image_cell_is_parted_between_addresses_and_not_inside_one(cell: str, expected: list[str]) -> None:
    assert cells.parse_images(cell) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [("35", 35.0), ("35 cm", 35.0), ('10"', 25.4), ("1,2 m", 120.0), ("300mm", 30.0), ("0", None), ("5 kg", None)],
)
def test_lengths(text: str, value: float | None) -> None:
    assert cells.parse_length_cm(text) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("TRUE", "in_stock"), ("https://schema.org/InStock", "in_stock"), ("out_of_stock", "out_of_stock"),
        ("Pre-Order", "preorder"), ("perhaps", None),
    ],
)  # fmt: skip
def test_availability(text: str, value: str | None) -> None:
    assert cells.parse_availability(text) == value


@pytest.mark.parametrize("url", ["cdn.example.com:8080/a.jpg", "localhost:8000/a.jpg"])
def test_an_address_with_a_port_and_no_scheme_is_reported(url: str) -> None:
    assert cells.image_problem(url) == f"the image address has no scheme; write https://{url}"


@pytest.mark.parametrize("url", ["a.jpg", "img/a b.jpg", "http://h/a.jpg", "HTTPS://h/a.jpg", "..a/b.jpg", "a..jpg"])
def test_good_addresses(url: str) -> None:
    assert cells.image_problem(url) is None


@given(st.text(max_size=60))
def test_no_cell_raises(text: str) -> None:
    cells.parse_number(text)
    cells.parse_words(text)
    cells.parse_images(text)
    cells.parse_availability(text)
    cells.parse_length_cm(text)
    cells.image_problem(text)
    cells.clean_cell(text)
