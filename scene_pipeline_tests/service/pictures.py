"""Pictures made for tests: such as no camera writes and a stranger may send."""

import struct


def jpeg_of_single_components(width: int, height: int) -> bytes:
    """Return a gray baseline JPEG with a scan for each of its components, which decoders hold in memory whole."""
    table = bytes([1, *bytes(15)])  # one code, a single bit
    quantization = _segment(0xDB, bytes([0, *([1] * 64)]))
    frame = _segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + bytes([1, 17, 0, 2, 17, 0, 3, 17, 0]))
    codes = _segment(0xC4, bytes([0, *table, 0]) + bytes([16, *table, 0]))
    blocks = -(-width // 8) * -(-height // 8)
    scan = bytes(-(-2 * blocks // 8))  # two bits a block: no difference, end of block
    scans = b"".join(_segment(0xDA, bytes([1, number, 0, 0, 63, 0])) + scan for number in (1, 2, 3))
    return b"\xff\xd8" + quantization + frame + codes + scans + b"\xff\xd9"


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content
