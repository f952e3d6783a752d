"""What is requested of the matcher for a scene: written once, for Python, the command line and the launchpad."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from scene_pipeline.context.context import Context
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import sha256_bytes

MAX_K = 200

WISHES = ("components", "supplies", "children", "outdoor")
"""What a list shows only on request: components, supplies, children's things in other rooms, outdoor things indoors."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """What every recommendation must meet; empty means no constraint. Prices in the catalog's currency, sizes in cm.

    A product whose price, size or color is unknown does not meet a bound on it. `colors` are names of basic colors or
    "#rrggbb"; a product meets them when one of its main colors is near one of them.
    `include` are wishes of WISHES: things that are otherwise kept back. The metadata of each field is its
    option on the command line and in the launchpad.
    """

    min_price: float | None = field(default=None, metadata={"help": "Lowest price."})
    max_price: float | None = field(default=None, metadata={"help": "Highest price."})
    min_size_cm: float | None = field(default=None, metadata={"help": "Smallest largest dimension, in cm."})
    max_size_cm: float | None = field(default=None, metadata={"help": "Largest dimension, in cm."})
    in_stock: bool = field(default=False, metadata={"help": "Only what is in stock."})
    categories: tuple[str, ...] = field(default=(), metadata={"help": "Only these categories.", "option": "--category"})
    without_categories: tuple[str, ...] = field(
        default=(), metadata={"help": "None of these categories.", "option": "--without-category"}
    )
    brands: tuple[str, ...] = field(default=(), metadata={"help": "Only these brands.", "option": "--brand"})
    colors: tuple[str, ...] = field(
        default=(), metadata={"help": "Only near one of these colors: blue or #aabbcc.", "option": "--color"}
    )

    include: tuple[str, ...] = field(
        default=(), metadata={"help": "Show what is otherwise kept back: components, supplies, children or outdoor."}
    )

    def __post_init__(self) -> None:
        """Refuse bounds that no product can meet, and unknown wishes."""
        for wish in self.include:
            if wish not in WISHES:
                raise ScenePipelineError(f"include '{wish}' is not one of {', '.join(WISHES)}")
        for name, low, high in (
            ("price", self.min_price, self.max_price),
            ("size", self.min_size_cm, self.max_size_cm),
        ):
            if low is not None and high is not None and low > high:
                raise ScenePipelineError(f"the lowest {name}, {low:g}, is above the highest, {high:g}; exchange them")


@dataclass(frozen=True, slots=True)
class Request:
    """How many products to recommend, which ones may be shown, and how they are weighed and spread.

    `weights` replaces weights of the bundle's factors, by name; all are scaled to add up to 1. `diversity` (0-1) is how
    much the list is spread; None is what the vocabulary says. `style` is the style to furnish in, in place of what the
    photograph shows. The metadata of each field is its option on the command line and in the launchpad. Raises
    ScenePipelineError for a value out of its bounds.
    """

    k: int = field(default=10, metadata={"help": "Products recommended for each scene.", "min": 1, "max": MAX_K})
    constraints: Constraints = field(
        default_factory=Constraints, metadata={"help": "What every recommendation must meet."}
    )
    weights: Mapping[str, float] = field(
        default_factory=dict,
        metadata={"help": "Factor -> weight in place of the bundle's; all are scaled to add up to 1."},
    )
    diversity: float | None = field(
        default=None,
        metadata={"help": "How much lists are spread: 0 by score alone, 1 the most.", "min": 0, "max": 1},
    )
    style: str | None = field(
        default=None, metadata={"help": "Furnish in this style, not in the one that the photograph shows."}
    )
    context: Context = field(
        default_factory=Context, metadata={"help": "For when, where and whom: moves the order, not the confidence."}
    )

    def __post_init__(self) -> None:
        """Refuse values out of their bounds."""
        if not 1 <= self.k <= MAX_K:
            raise ScenePipelineError(f"k is {self.k}; it must lie between 1 and {MAX_K}")
        if self.diversity is not None and not 0 <= self.diversity <= 1:
            raise ScenePipelineError(f"diversity is {self.diversity:g}; it must lie between 0 and 1")

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits, the same for equal requests in every release: only stated fields count."""
        return sha256_bytes(msgspec.json.encode(_stated(self), order="sorted"))[:12]


@cache
def _defaults() -> dict[str, Any]:
    """Return the fields of a request that states nothing."""
    return msgspec.to_builtins(Request())


def _stated(request: Request) -> dict[str, Any]:
    """Return the fields that differ from their defaults."""
    given, defaults = msgspec.to_builtins(request), _defaults()
    stated = {name: value for name, value in given.items() if value != defaults[name]}
    if "constraints" in stated:
        meant = defaults["constraints"]
        stated["constraints"] = {name: value for name, value in stated["constraints"].items() if value != meant[name]}
    return stated


@dataclass(frozen=True, slots=True)
class RunnersUp:
    """Products that would come next in a list: how many are wanted, and whether in words as the list is.

    Without words a runner-up has no placement, reason, variant and box: enough for what is only logged.
    """

    count: int = 0
    in_words: bool = True


NO_RUNNERS_UP = RunnersUp()
