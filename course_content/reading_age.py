"""How hard a text is to read: the Flesch-Kincaid grade, and the age it stands for.

Kincaid, Fishburne, Rogers and Chissom (1975): 0.39 words per sentence + 11.8 syllables per word
- 15.59. A guide and no more, so the pack check only ever warns. Syllables are estimated.
"""

import re
from functools import lru_cache

# A grade of 8 is read at about 13. Staff read on tired evenings, and many in a second language.
HIGHEST_GRADE = 8.0
# Below this many words one long name swings the figure.
FEWEST_WORDS = 100

_MARKUP = re.compile(r"[*_`>#|]|\]\([^)]*\)|\[|:::\s*\w*|^\s*(?:[-+]|\d+\.)\s", re.MULTILINE)
_BLOCK_END = re.compile(r"\n\s*\n|\n(?=\s*(?:[-+*>#]|\d+\.|:::))")
_SENTENCE_END = re.compile(r"[.!?:;]+(?=\s|$)")
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")


def grade(text: str) -> float | None:
    """The Flesch-Kincaid grade of a Markdown text, or None if it is too short to tell."""
    plain = _MARKUP.sub(" ", _BLOCK_END.sub(".\n", text))
    sentences = [s for s in _SENTENCE_END.split(plain) if _WORD.search(s)]
    words = [w for s in sentences for w in _WORD.findall(s)]
    if len(words) < FEWEST_WORDS:
        return None
    syllables = sum(_syllables(w) for w in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


def reading_age(text: str) -> float | None:
    """The age in years of a reader who manages it with ease, or None if it is too short to tell."""
    found = grade(text)
    return None if found is None else found + 5


@lru_cache(maxsize=20_000)
def _syllables(word: str) -> int:
    word = word.strip("'’-")
    if word.isupper() or len(word) <= 3:
        return 1
    word = word.lower()
    word = re.sub(r"(?:[^laeiouy]es|[^td]ed|[^laeiouy]e)$", "", word)
    return max(1, len(re.findall(r"[aeiouy]+", word)))
