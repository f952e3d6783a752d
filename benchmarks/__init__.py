"""One program per family of claims, each against a peer in the same run: `python -m benchmarks.NAME [--json]`."""
