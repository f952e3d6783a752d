"""The small catalog and the scenes that ship, with their ground truth; README.md says how they were made."""

from pathlib import Path


def sample_path() -> Path:
    """Return the folder with catalog.csv, products/, scenes/ and truth/."""
    return Path(__file__).parent
