"""What applying ICC profiles costs: pictures decoded and scaled down with a Display P3 profile and without one.

    python -m benchmarks.profiles [--json] [--count 200]

The same JPEGs of 800 and 2,400 pixels, in turn plain, with sRGB's own profile (found to change nothing, so not applied)
and with that of Display P3, as telephones write them. Seconds of processor time, medians of five rounds.
"""

import argparse
import io
import statistics
import struct
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageCms

from benchmarks.claims import Claim, at_most, report
from benchmarks.download import make_pictures
from scene_pipeline.images.decode import decode_image, shrink

SIDES = (800, 2400)
SHORT_SIDE = 336
ROUNDS = 5
BOUND = {"sRGB": 1.1, "Display P3": 2.0}
"""Times the cost of the same picture without a profile."""

PRIMARIES = {
    b"rXYZ": (0.5151, 0.2412, -0.0011),
    b"gXYZ": (0.2920, 0.6922, 0.0419),
    b"bXYZ": (0.1571, 0.0666, 0.7841),
}


def display_p3() -> bytes:
    """Return sRGB's profile with the primaries of Display P3."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for at in range(132, 132 + 12 * struct.unpack(">I", data[128:132])[0], 12):
        tag, offset, _ = struct.unpack(">4sII", data[at : at + 12])
        if tag in PRIMARIES:
            data[offset + 8 : offset + 20] = struct.pack(">iii", *(round(value * 65536) for value in PRIMARIES[tag]))
    return bytes(data)


def variants(side: int, count: int) -> dict[str, list[bytes]]:
    """Return the same pictures without a profile and with each."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made: dict[str, list[bytes]] = {"none": [], "sRGB": [], "Display P3": []}
    with tempfile.TemporaryDirectory() as temporary:
        make_pictures(Path(temporary) / "pictures", count, side)
        for path in sorted((Path(temporary) / "pictures").iterdir()):
            with Image.open(path) as image:
                for name, profile in (("none", None), ("sRGB", srgb), ("Display P3", display_p3())):
                    stream = io.BytesIO()
                    image.save(stream, "JPEG", quality=88, icc_profile=profile)
                    made[name].append(stream.getvalue())
    return made


def seconds(pictures: list[bytes]) -> float:
    """Return the processor seconds of one picture, as the fetcher makes its copies."""
    started = time.process_time()
    for data in pictures:
        shrink(decode_image(data, short_side=SHORT_SIDE), SHORT_SIDE)
    return (time.process_time() - started) / len(pictures)


def main() -> int:
    """Print the claims."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    claims: list[Claim] = []
    for side in SIDES:
        count = max(1, arguments.count * SIDES[0] // side)
        made = variants(side, count)
        rounds = [{name: seconds(pictures) for name, pictures in made.items()} for _ in range(ROUNDS)]
        plain = statistics.median(one["none"] for one in rounds)
        for name, bound in BOUND.items():
            took = statistics.median(one[name] for one in rounds)
            against = f"no profile: {1000 * plain:.2f} ms of processor time; {name}: {1000 * took:.2f} ms"
            claims.append(
                at_most(
                    f"{side} px with {name}, times without", took / plain, bound, unit="×", against=against, n=count
                )
            )
    return report(claims, arguments)


if __name__ == "__main__":
    sys.exit(main())
