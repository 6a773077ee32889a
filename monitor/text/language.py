"""The language of a text, by py3langid (naive Bayes on byte n-grams; Lui and Baldwin, 2012).

The model takes some 30 MB and a moment to load: only the parser processes call this.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Protocol

SURE = 0.9
"""The probability from which detection outweighs what the source declares."""
LIKELY = 0.5
"""The probability from which it confirms that."""
MIN_CHARACTERS = 20
"""A shorter text is not tried."""
_SAMPLE = 1_000
_STARTS = (80, 150, _SAMPLE)
"""Characters of the texts that are tried in turn: counting n-grams takes most of the time."""
_FAMILIAR = 0.4
"""The share of a text's different words that must have stood in texts of one language."""
_FAMILIAR_WORDS = 8
_FAMILIAR_SAMPLE = 400
"""Characters of which the words are looked at."""
_TAG = re.compile(r"\s*([A-Za-z]{2,3})(?:[-_].*)?\s*")


class _Identifier(Protocol):
    def classify(self, text: str) -> tuple[str, float]: ...


def language_of(text: str, declared: str = "") -> str:
    """Return a BCP 47 primary tag such as "en": detected where that is sure, else declared.

    `declared` is a tag as feeds write it ("en-GB", "EN_us"); "" where nothing is known.
    """
    tag = _TAG.fullmatch(declared)
    stated = tag[1].lower() if tag else ""
    sample = text[:_SAMPLE].strip()
    if len(sample) < MIN_CHARACTERS:
        return stated
    detected, probability = "", 0.0
    for length in _STARTS if stated else _STARTS[1:]:
        detected, probability = load_identifier().classify(sample[:length])
        # What a feed states is mostly true, and takes less to be believed.
        if probability >= SURE or (detected == stated and probability >= LIKELY):
            return detected
        if length >= len(sample):
            break
    return stated or detected


class Languages:
    """The languages of one document's items: detected until their words are familiar.

    A feed's items mostly share a language, and items of one language share its small words. So a
    text of which enough words stood in texts of one detected language has that one; detecting each
    would take most of the time of reading a feed.
    """

    def __init__(self, declared: str = "") -> None:
        self._declared = declared
        self._known: dict[str, set[str]] = {}

    def of(self, text: str, declared: str = "") -> str:
        """Return the language of one more text, as `language_of` does."""
        found = set(text[:_FAMILIAR_SAMPLE].casefold().split())
        if len(found) >= _FAMILIAR_WORDS:
            for language, known in self._known.items():
                if len(found & known) >= _FAMILIAR * len(found):
                    known |= found
                    return language
        language = language_of(text, declared or self._declared)
        if language:
            self._known.setdefault(language, set()).update(found)
        return language


@cache
def load_identifier() -> _Identifier:
    """Return the model, loaded once in a process."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier: _Identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return identifier
