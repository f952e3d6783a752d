"""The small catalog and the scenes that ship, with their ground truth; README.md says how they were made."""

from pathlib import Path


def sample_path() -> Path:
    """Return the folder with catalog.csv, products/, scenes/ and truth/."""
    return Path(__file__).parent


def sample_libraries() -> Path:
    """Return the folder of the sample's scene libraries."""
    return sample_path() / "scenes"


def sample_photographs() -> list[Path]:
    """Return the photographs of all its libraries, in the order of their paths."""
    return sorted(sample_libraries().rglob("*.webp"))
