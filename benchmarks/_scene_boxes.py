"""Does the box that *match* gives a product hold the middle of that product, where it stands in the sample's scenes?"""

import numpy as np
from PIL import Image

from benchmarks._scene_blank import sample_masks
from benchmarks.claims import Claim, at_least
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.sample import sample_libraries

SHOWN = 10
"""Products of each thing that are looked at."""


def boxes_claim(matcher: SceneMatcher) -> Claim:
    """Return the claim on the boxes of products that stand in a rendered scene and that *match* lists for it."""
    held = []
    for name, masks in sample_masks():
        found = matcher.match(Image.open(sample_libraries() / name).convert("RGB"), Request(k=SHOWN))
        for thing in found.objects:
            for product in thing.products:
                if product.sku_id in masks:
                    x, y = middle(masks[product.sku_id])
                    left, top, right, bottom = thing.box
                    held.append(left <= x <= right and top <= y <= bottom)
    share, against = float(np.mean(held)), "scenes of the sample"
    return at_least("match, boxes that hold the middle", share, 0.75, unit="share", against=against, n=len(held))


def middle(mask: np.ndarray) -> tuple[float, float]:
    """Return the middle (x, y) of what a mask [h, w] covers, in shares of the picture."""
    rows, columns = np.nonzero(mask)
    return (float(columns.mean()) + 0.5) / mask.shape[1], (float(rows.mean()) + 0.5) / mask.shape[0]
