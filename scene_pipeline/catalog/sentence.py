"""Write one readable English sentence with only the facts of the row."""

from collections.abc import Mapping, Sequence

from scene_pipeline.catalog.facts import Facts
from scene_pipeline.catalog.measures import Measurement
from scene_pipeline.vocabulary.display_names import title_case
from scene_pipeline.vocabulary.model import Vocabulary

_AXIS_SIGN = {"width": "W", "depth": "D", "height": "H", "length": "L", "diameter": "Ø"}
_MAX_HEADLINE = 240


class SentenceWriter:
    """Writes sentences; built once for a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.names = {material.id: material.name for material in vocabulary.materials}
        self.parents = {material.id: material.parent for material in vocabulary.materials}

    def write(self, facts: Facts, description: str) -> str:
        """Return "Ceramic elephant figurine in black and white, 8 × 7 × 3 in, set of 2."

        A material of a part is stated with the part: "Mirror in black, with metal frame, 80 cm." Without a product
        type, the result is the headline of the description, unchanged.
        """
        if facts.product_type is None:
            headline = (facts.headline or description)[:_MAX_HEADLINE].strip(" .,;")
            return f"{title_case(headline)}."
        noun = self.noun(facts.product_type, [name for name in facts.materials if name not in facts.parts])
        colors = f" in {_listed(facts.colors)}" if facts.colors else ""
        parts = [noun + colors]
        if facts.parts:
            fittings = f"with {self.fittings(facts.parts)}"
            parts = [*parts, fittings] if colors else [f"{noun} {fittings}"]
        finishes = [finish for finish in facts.finishes if finish not in noun]
        if finishes:
            parts.append(_listed(finishes))
        own = [measure for measure in facts.measures if measure.part == 0]
        if own:
            parts.append(size_text(own))
        if facts.set_count is not None:
            parts.append(f"set of {facts.set_count}")
        if facts.outdoor:
            parts.append("for outdoors")
        return f"{title_case(', '.join(parts))}."

    def fittings(self, parts: Mapping[str, str]) -> str:
        """Return the parts with what they are made of: "walnut veneer top and steel legs"."""
        materials: dict[str, list[str]] = {}
        for material, part in parts.items():
            materials.setdefault(part, []).append(material)
        return _listed([self.noun(part, names) for part, names in materials.items()])

    def noun(self, product_type: str, materials: Sequence[str]) -> str:
        """Return the type with what it is made of: "oak and glass coffee table", "lamp of brass, steel and linen"."""
        parents = {self.parents.get(material) for material in materials if material != "veneer"}
        names = []
        for material in materials:
            name = self.names.get(material, material)
            if material == "veneer" and names:
                names[-1] += " veneer"
            elif material not in parents and name.split()[-1] not in product_type:
                names.append(name)
        if not names:
            return product_type
        if len(names) <= 2:
            return f"{_listed(names)} {product_type}"
        return f"{product_type} of {_listed(names)}"


def size_text(measures: Sequence[Measurement]) -> str:
    """Return "8 × 7 × 3 in", "W 40 × D 35 cm", "60–90 cm": numbers and units as stated."""
    units = {measure.unit for measure in measures}
    if len(units) == 1:
        return f"{' × '.join(_measure_text(measure) for measure in measures)} {measures[0].unit}"
    return " × ".join(f"{_measure_text(measure)} {measure.unit}" for measure in measures)


def _measure_text(measure: Measurement) -> str:
    sign = f"{_AXIS_SIGN[measure.axis]} " if measure.axis else ""
    low = f"{measure.low:.10g}"
    return f"{sign}{low}" if measure.low == measure.high else f"{sign}{low}–{measure.high:.10g}"


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
