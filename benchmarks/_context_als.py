"""Factorize purchases by alternating least squares (package `implicit`): the peer of benchmarks.context.

    python _context_als.py FOLDER

Runs in an environment of its own. Reads every cut_*.npz of FOLDER (`person`, `product` [nnz] and `shape`) and writes
beside it, for each setting, the factors of persons and products.
"""

import os
import sys
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from implicit.als import AlternatingLeastSquares  # pyright: ignore[reportMissingImports]
from scipy.sparse import csr_matrix

SETTINGS = {"64-5": (64, 5.0), "128-1": (128, 1.0), "128-2": (128, 2.0), "256-2": (256, 2.0)}
"""Name → factors and alpha. Beside these, 32 factors and alpha 20 were tried and were worse."""


def main() -> None:
    """Factorize every cut of the folder under every setting."""
    folder = Path(sys.argv[1])
    for path in sorted(folder.glob("cut_*.npz")):
        with np.load(path) as cut:
            shape = (int(cut["shape"][0]), int(cut["shape"][1]))
            bought = csr_matrix((np.ones(len(cut["person"]), np.float32), (cut["person"], cut["product"])), shape)
        factors = {}
        for name, (count, alpha) in SETTINGS.items():
            model = AlternatingLeastSquares(
                factors=count, regularization=10.0, alpha=alpha, iterations=15, random_state=0, num_threads=1
            )
            model.fit(bought, show_progress=False)
            factors |= {f"person_{name}": model.user_factors, f"product_{name}": model.item_factors}
        np.savez(folder / f"als_{path.stem}.npz", **factors)


if __name__ == "__main__":
    main()
