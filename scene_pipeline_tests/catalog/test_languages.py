"""French, Dutch, Italian and Spanish are files of the lexicon, at the depth of German."""

from typing import Any

import pytest

from scene_pipeline.catalog.enrich import Enricher
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.lexicon import load_lexicon
from scene_pipeline_tests.catalog.conftest import EMPTY_ROW

CASES: dict[str, list[tuple[str, str]]] = {
    "fr": [
        ("Vase en céramique blanche, hauteur 30 cm.", "Ceramic vase in white, H 30 cm."),
        ("Table basse en chêne massif, 120 x 60 cm", "Oak coffee table, 120 × 60 cm."),
        ("Lot de 2 coussins en velours vert foncé, 45 x 45 cm", "Velvet cushion in dark green, 45 × 45 cm, set of 2."),
        ("Canapé 3 places en tissu gris clair, pieds en métal noir", "Textile and metal sofa in light grey and black."),
        ("Lampe de table en laiton, abat-jour en lin, H 45,5 cm", "Brass and linen table lamp, H 45.5 cm."),
        ("Tapis en jute, Ø 120 cm", "Jute rug, Ø 120 cm."),
    ],
    "nl": [
        ("Witte keramische vaas, hoogte 30 cm", "Ceramic vase in white, H 30 cm."),
        ("Salontafel van massief eikenhout, 120 x 60 cm", "Oak coffee table, 120 × 60 cm."),
        ("Set van 2 fluwelen kussens, donkergroen, 45 x 45 cm", "Velvet cushion in dark green, 45 × 45 cm, set of 2."),
        ("Eikenhouten eettafel, 180 x 90 cm", "Oak dining table, 180 × 90 cm."),
        ("Vloerkleed van jute, ø 120 cm", "Jute rug, Ø 120 cm."),
    ],
    "it": [
        ("Vaso in ceramica bianca, altezza 30 cm", "Ceramic vase in white, H 30 cm."),
        ("Tavolino da caffè in rovere massello, 120 x 60 cm", "Oak coffee table, 120 × 60 cm."),
        ("Set di 2 cuscini in velluto verde scuro, 45 x 45 cm", "Velvet cushion in dark green, 45 × 45 cm, set of 2."),
        ("Poltrona in ecopelle nera con gambe in metallo", "Faux leather and metal armchair in black."),
        ("Tappeto in iuta, Ø 120 cm", "Jute rug, Ø 120 cm."),
    ],
    "es": [
        ("Jarrón de cerámica blanca, altura 30 cm", "Ceramic vase in white, H 30 cm."),
        ("Mesa de centro de roble macizo, 120 x 60 cm", "Oak coffee table, 120 × 60 cm."),
        (
            "Juego de 2 cojines de terciopelo verde oscuro, 45 x 45 cm",
            "Velvet cushion in dark green, 45 × 45 cm, set of 2.",
        ),
        ("Sofá de 3 plazas tapizado en tela gris claro", "Textile sofa in light grey."),
        ("Alfombra de yute, Ø 120 cm", "Jute rug, Ø 120 cm."),
    ],
}


@pytest.mark.parametrize("language", list(CASES))
def test_a_language_reads_its_own_texts(vocabulary: Vocabulary, language: str) -> None:
    enricher = Enricher(vocabulary, load_lexicon(language))

    def sentence(text: str) -> str:
        row: dict[str, Any] = {**EMPTY_ROW, "description": text}
        return enricher.row(row)["sentence"]

    assert [sentence(text) for text, _ in CASES[language]] == [expected for _, expected in CASES[language]]


@pytest.mark.parametrize("language", list(CASES))
def test_a_language_is_as_deep_as_german(language: str) -> None:
    words, german = load_lexicon(language).words, load_lexicon("de").words
    for kind in ("types", "materials", "colors"):
        assert len(getattr(words, kind)) >= 0.85 * len(getattr(german, kind)), kind
