"""Say which products of a home-goods catalog belong in a photographed room."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("scene-pipeline")
except PackageNotFoundError:  # run from a folder that was not installed
    __version__ = "0+unknown"
