"""The status table: one row per product image, and the reasons a row can give."""

from dataclasses import dataclass

import pyarrow as pa

OK, FAILED = "ok", "failed"
SET_ASIDE = frozenset(("too_small", "placeholder"))
"""Reasons of pictures that were fetched and are not used."""

IMAGE_STATUS = pa.schema(
    [
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),  # primary, lifestyle, detail or swatch
        pa.field("position", pa.int32(), nullable=False),  # within the role, from 0
        pa.field("url", pa.string(), nullable=False),  # as the catalog states it
        pa.field("outcome", pa.string(), nullable=False),  # ok or failed
        pa.field("reason", pa.string()),  # a code of REASONS when failed
        pa.field("detail", pa.string()),  # one line for people
        pa.field("http_status", pa.int32()),  # of the last answer
        pa.field("tries", pa.int32(), nullable=False),  # requests made in the run that settled the row, redirects aside
        pa.field("bytes", pa.int64()),  # of the original as received
        pa.field("width", pa.int32()),  # of the original, upright
        pa.field("height", pa.int32()),
        pa.field("sha256", pa.string()),  # of the normalized copy: key of the store and of all embeddings
        pa.field("phash", pa.uint64()),
        pa.field("duplicate_group", pa.string()),  # by pHash: smallest sha256 of the group; null when unlike all others
        pa.field("color_lab", pa.list_(pa.list_(pa.float32()))),  # CIELAB centers, largest first, background left out
        pa.field("color_share", pa.list_(pa.float32())),  # their shares, adding up to 1
        pa.field("original_sha256", pa.string()),
        pa.field("recipe", pa.string()),  # how the normalized copy was made
        pa.field("etag", pa.string()),  # of a local file: its size and modification time
        pa.field("last_modified", pa.string()),
        pa.field("fetched_at", pa.timestamp("us", tz="UTC"), nullable=False),  # when the source last confirmed the row
    ]
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a picture is missing. `retried` within a run; `rests` between runs (a permanent failure)."""

    text: str
    retried: bool = False
    rests: bool = False


REASONS: dict[str, Reason] = {
    # the catalog's own entry; checked again on every run, since that costs no request
    "bad_url": Reason("not an http(s) URL or a path"),
    "outside_catalog": Reason("a path that leaves the catalog's folder"),
    "unreadable": Reason("a file that cannot be read"),
    "forbidden_address": Reason("a private, local or reserved network address"),
    "forbidden_redirect": Reason("a redirect to something other than http(s)"),
    # the server's answer
    "not_found": Reason("no such picture", rests=True),
    "access_denied": Reason("the server refuses access", rests=True),
    "client_error": Reason("the server refuses the request", rests=True),
    "robots": Reason("the server asks not to use the picture for AI", rests=True),
    "too_many_redirects": Reason("redirected too often", rests=True),
    "redirect_without_location": Reason("a redirect that does not say where to", rests=True),
    "cookie_wall": Reason("redirected in a circle until a cookie is sent back", rests=True),
    "unexpected_status": Reason("an answer that is neither a picture nor an error", rests=True),
    "not_ready": Reason("the server is still making the picture", retried=True),
    "rate_limited": Reason("the server asks to slow down", retried=True),
    "server_error": Reason("the server failed", retried=True),
    # the connection
    "timeout": Reason("no answer in time", retried=True),
    "connection": Reason("the connection failed or broke", retried=True),
    "dns": Reason("the host name cannot be resolved", retried=True),
    "tls": Reason("no trustworthy encrypted connection"),
    "bad_response": Reason("the answer is not HTTP", retried=True),
    "incomplete_body": Reason("the answer ended early", retried=True),
    "host_down": Reason("the host failed too often in this run"),
    # the bytes
    "too_large": Reason("more bytes than allowed", rests=True),
    "bad_encoding": Reason("a content encoding that does not match the bytes", rests=True),
    "empty": Reason("no bytes", rests=True),
    "not_an_image": Reason("not a picture of an accepted kind", rests=True),
    "unsupported_format": Reason("a kind of picture that is not accepted", rests=True),
    "too_many_pixels": Reason("more pixels than allowed", rests=True),
    "broken_image": Reason("a damaged picture", rests=True),
    # what the picture shows; it was fetched, and is checked again on every run
    "too_small": Reason("too few pixels to show anything"),
    "placeholder": Reason("one picture under many unlike products"),
    "decode_timeout": Reason("decoding took too long"),
    "decoder_crashed": Reason("the decoder crashed"),
}
"""Every reason code of the status table."""
