"""What every benchmark prints: claims with their bounds; the exit status is 1 when one does not hold."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Claim:
    """A figure with its bound. `holds` is decided by the program, `against` names what it was measured against."""

    claim: str
    measured: float
    unit: str
    bound: str
    holds: bool
    against: str
    n: int


def at_most(claim: str, measured: float, bound: float, *, unit: str, against: str, n: int) -> Claim:
    """Return the claim that `measured` does not exceed `bound`."""
    return Claim(claim, round(measured, 4), unit, f"<= {bound:g}", measured <= bound, against, n)


def at_least(claim: str, measured: float, bound: float, *, unit: str, against: str, n: int) -> Claim:
    """Return the claim that `measured` reaches `bound`."""
    return Claim(claim, round(measured, 4), unit, f">= {bound:g}", measured >= bound, against, n)


def report(claims: Sequence[Claim], arguments: argparse.Namespace, **more: Any) -> int:
    """Print the claims (as JSON with --json) and return the exit status."""
    if arguments.json:
        sys.stdout.write(json.dumps({"claims": [asdict(claim) for claim in claims], **more}, indent=1) + "\n")
    else:
        for claim in claims:
            mark = "holds" if claim.holds else "FAILS"
            print(
                f"{mark}  {claim.claim}: {claim.measured:g} {claim.unit} ({claim.bound}; {claim.against}; n={claim.n})"
            )
    return 0 if all(claim.holds for claim in claims) else 1
