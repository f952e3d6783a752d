"""XML feeds: items become rows; what a stranger's XML can do to a reader is refused, in bounded memory."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_pipeline.catalog.read import iter_catalog, read_catalog
from scene_pipeline.catalog.validate import validate
from scene_pipeline.catalog.xml_feed import MAX_ITEM
from scene_pipeline.errors import CatalogError

Write = Callable[..., Path]

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title><link>https://s.example</link>
<item><g:id>A1</g:id><g:title>Oak stool</g:title><g:description><![CDATA[<p>Solid oak.</p>]]></g:description>
<g:link>https://s.example/a</g:link><g:image_link>https://s.example/a.jpg</g:image_link>
<g:additional_image_link>https://s.example/b.jpg</g:additional_image_link>
<g:additional_image_link>https://s.example/c.jpg</g:additional_image_link><g:price>79.00 EUR</g:price>
<g:product_detail><g:attribute_name>Material</g:attribute_name><g:attribute_value>Oak</g:attribute_value></g:product_detail>
</item>
<item><g:id>A2</g:id><g:title>Blue vase</g:title><g:image_link>https://s.example/v.jpg</g:image_link></item>
</channel></rss>"""


def test_an_rss_feed_is_read_as_its_table_would_be(write: Write) -> None:
    raw = read_catalog(write(RSS, "feed.xml"))
    assert raw.profile == "merchant_center"
    products = validate(raw).products.to_pylist()
    assert [p["product_id"] for p in products] == ["A1", "A2"]
    assert (products[0]["description"], products[0]["price"], products[0]["currency"]) == ("Solid oak.", 79, "EUR")
    assert [image["url"][-5:] for image in products[0]["images"]] == ["a.jpg", "b.jpg", "c.jpg"]
    assert products[0]["detailed_description"] == "Material: Oak"
    assert products[1]["description"] == "Blue vase"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]><rss><item><id>&a;</id></item></rss>', "an entity"),
        (
            '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><id>&x;</id></item></rss>',
            "an entity",
        ),
        ('<?xml version="1.0"?><rss><item><id>1</id></rss>', "not well-formed"),
        ('<?xml version="1.0"?><rss><channel/></rss>', "XML without <item>"),
    ],
)
def test_entities_and_damage_are_refused_in_one_line(write: Write, content: str, message: str) -> None:
    with pytest.raises(CatalogError, match=message) as caught:
        read_catalog(write(content, "feed.xml"))
    assert "\n" not in str(caught.value)


def test_memory_does_not_grow_with_the_feed(tmp_path: Path) -> None:
    """64 MB of items are read in the memory of one chunk; an element without an end is refused."""
    path = tmp_path / "large.xml"
    item = b"<item><id>%d</id><title>Oak stool</title><description>" + b"x" * 8000 + b"</description></item>"
    with path.open("wb") as stream:
        stream.write(b"<?xml version='1.0'?><rss><channel>")
        for i in range(8000):
            stream.write(item % i)
        stream.write(b"</channel></rss>")
    tracemalloc.start()
    try:
        assert sum(chunk.table.num_rows for chunk in iter_catalog(path, chunk_rows=200)) == 8000
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
    with path.open("wb") as stream:
        stream.write(b"<?xml version='1.0'?><rss>")
        for _ in range(MAX_ITEM // 1000 + 100):
            stream.write(b"x" * 1000)
    with pytest.raises(CatalogError, match="without an item"):
        read_catalog(path)
