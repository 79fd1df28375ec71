"""What a talk offers to be drawn by itself: numbers, lists, chapters, names, words to remember.

Everything comes from the transcript, in the speaker's own words; nothing is made up. Names, lists
and chapters are found by English phrases; other languages offer numbers in digits, and words to
remember. Times are output time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.contract.languages import is_english
from mosaic_mcp.studio.tiles.graphics.wishes import Kind
from mosaic_mcp.studio.tiles.speech.lexicon import dangling, hooks, stop_words
from mosaic_mcp.studio.tiles.speech.numerals import SMALL, belonging, figure_at
from mosaic_mcp.studio.tiles.speech.sentences import Sentence
from mosaic_mcp.studio.timeline.edit import PlacedWord

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_SERIES = r"tip|step|rule|lesson|part|number|point|reason|mistake|chapter|section|idea|thing"
_COUNTED = re.compile(
    rf"^(?:{_SERIES})\s+(?P<n>one|two|three|four|five|six|seven|eight|\d)\b\W*", re.I
)
_ORDERED = re.compile(
    rf"^(?:the\s+)?(?P<n>{'|'.join(_ORDINALS)})(?:ly)?\s*(?:,|\b(?:{_SERIES})\b\W*(?:is\b)?)\W*",
    re.I,
)
_NAME = re.compile(
    r"\b(?:[Mm]y name is|[Mm]y name['’]s|I['’]m|I am)\s+"
    r"([A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+){1,2})"
)
_SHORT, _LONG = 3, 14
"""Words of what is worth remembering."""
_SERIES_S = Fraction(20)
"""A series that takes longer makes chapters, not a list that stands for so long. Seconds."""
_LINKS = frozenset({"and", "but", "so", "or", "also", "then", "anyway", "because", "well", "now"})
"""Words that tie a sentence to the one before; without them it stands alone."""
_ITEM = 6
"""Most words of a point that is named in passing."""


@dataclass(frozen=True, slots=True)
class Find:
    """Something to draw, when it is said, and how good it is."""

    kind: Kind
    texts: tuple[str, ...]
    start: Fraction
    end: Fraction
    """When the sentence ends that says the last of it."""
    score: float
    cues: tuple[Fraction, ...] = ()


def finds(sentences: Sequence[Sentence], language: str) -> list[Find]:
    """Everything that the sentences offer, in order of time."""
    spoken = [s for s in map(_without_fillers, sentences) if s is not None]
    marked = _marked(spoken, language)
    found = [*_names(spoken), *_numbers(spoken, language), *_phrases(spoken, language)]
    found += [*_inline_lists(spoken, language), *_series_list(marked)]
    found += [
        Find("chapter", (str(n), text), at, end, 0.9) for n, (text, at, end) in enumerate(marked, 1)
    ]
    return sorted(found, key=lambda f: f.start)


def _without_fillers(sentence: Sentence) -> Sentence | None:
    words = tuple(w for w in sentence.words if not w.filler)
    return Sentence(words, sentence.whole) if words else None


def _names(sentences: Sequence[Sentence]) -> Iterator[Find]:
    for sentence in sentences:
        if found := _NAME.search(sentence.text):
            word = _word_at(sentence, found.start(1))
            yield Find("lower-third", (found[1],), word.start, sentence.end, 2.0)
            return


def _word_at(sentence: Sentence, offset: int) -> PlacedWord:
    """The word that holds a place of the sentence's text."""
    at = 0
    for word in sentence.words:
        at += len(word.text) + 1
        if offset < at:
            return word
    return sentence.words[-1]


def _numbers(sentences: Sequence[Sentence], language: str) -> Iterator[Find]:
    for sentence in sentences:
        words = [w.text.strip(".,;:!?…\"“”'") for w in sentence.words]
        index = 0
        while index < len(words):
            spelled = words[index].isalpha() and not is_english(language)
            found = None if spelled else figure_at(words[: _clause_end(sentence, index)], index)
            if found is None or _counts_a_series(words, index):
                index += 1
                continue
            figure, used = found
            if more := belonging(words, index + used, language):
                index += used + more  # a wrong number is worse than none
                continue
            label, said = _label(sentence.words, index + used, language)
            if label:
                share = 0.35 if "%" in figure or figure[0] in "$€£" else 0.0
                small = 0.35 if figure.isdigit() and int(figure) < 10 else 0.0
                yield Find(
                    "number",
                    (figure, label),
                    sentence.words[index].start,
                    sentence.end,
                    1.1 + share - small,
                )
            index = max(said, index + used)


def _clause_end(sentence: Sentence, index: int) -> int:
    """Behind the next punctuation: "in two thousand, five people came" has two numbers."""
    rest = enumerate(sentence.words[index:], index + 1)
    ends = (n for n, word in rest if word.text.endswith((".", ",", ";", ":", "!", "?", "…")))
    return next(ends, len(sentence.words))


def _counts_a_series(words: Sequence[str], index: int) -> bool:
    """True for the "two" of "tip two"."""
    return index > 0 and re.fullmatch(_SERIES, words[index - 1], re.IGNORECASE) is not None


def _label(words: Sequence[PlacedWord], index: int, language: str) -> tuple[str, int]:
    """What a number counts: up to four words to the next pause of the sentence."""
    if index and words[index - 1].text.endswith((".", ",", ";", "!", "?")):
        return "", index
    label: list[str] = []
    while index < len(words) and len(label) < 4:
        text = words[index].text
        label.append(text.strip('.,;:!?…"“”'))
        index += 1
        if text.endswith((".", ",", ";", "!", "?", ":")):
            break
    while label and label[-1].lower() in stop_words(language):
        label.pop()
    return " ".join(label), index


def _phrases(sentences: Sequence[Sentence], language: str) -> Iterator[Find]:
    for sentence in sentences:
        if _COUNTED.match(sentence.text):
            continue
        for words in _clauses(sentence):
            text = _trimmed(words, language)
            count = len(text.split())
            if not _SHORT <= count <= _LONG:
                continue
            told = [w.lower().strip(".,!?") for w in text.split()]
            content = sum(w not in stop_words(language) for w in told)
            hooked = sum(w in hooks(language) for w in told)
            whole = len(words) == len(sentence.words)
            score = 0.4 * content / count + 0.25 * min(hooked, 2) + (0.25 if whole else 0.0)
            score -= 0.3 if told[0] in dangling(language) else 0.0
            kind: Kind = "call-out" if count <= 6 else "quote"
            yield Find(kind, (text,), words[0].start, sentence.end, score)


def _clauses(sentence: Sentence) -> Iterator[Sequence[PlacedWord]]:
    """The sentence where it is short, else its parts between commas."""
    if len(sentence.words) <= _LONG:
        yield sentence.words
        return
    part: list[PlacedWord] = []
    for word in sentence.words:
        part.append(word)
        if word.text.endswith((",", ";", ":", ".", "!", "?")):
            yield part
            part = []
    if part:
        yield part


def _trimmed(words: Sequence[PlacedWord], language: str) -> str:
    """The words without a beginning that leans on what came before, and without a full stop."""
    told = [w.text for w in words]
    while is_english(language) and told and told[0].lower().strip(",") in _LINKS:
        told.pop(0)
    text = " ".join(told).rstrip(".,;: ")
    return text[:1].upper() + text[1:]


def _marked(sentences: Sequence[Sentence], language: str) -> list[tuple[str, Fraction, Fraction]]:
    """Sections that the speaker counts ("Tip two. Record ten seconds."): title, start, end."""
    found: list[tuple[int, str, Fraction, Fraction]] = []
    for index, sentence in enumerate(sentences):
        mark = _COUNTED.match(sentence.text) or _ORDERED.match(sentence.text)
        if mark is None:
            continue
        rest = sentence.text[mark.end() :]
        end = sentence.end
        first, *more = rest.split() or [""]
        if (not more or first.lower() in dangling(language)) and index + 1 < len(sentences):
            rest, end = sentences[index + 1].text, sentences[index + 1].end
        title = _shortened(rest, language)
        if title:
            found.append((_count(mark["n"]), title, sentence.start, end))
    # A single "first" counts nothing; a series goes on from where it was.
    series = [f for n, f in enumerate(found, 1) if f[0] == n]
    return [(title, start, end) for _, title, start, end in series] if len(series) > 1 else []


def _count(text: str) -> int:
    lower = text.lower()
    if lower in _ORDINALS:
        return _ORDINALS.index(lower) + 1
    return int(lower) if lower.isdigit() else SMALL.get(lower, 1)


def _shortened(text: str, language: str) -> str:
    """At most eight words, to the first comma where that leaves enough."""
    clause = re.split(r"[,;:.!?]", text, maxsplit=1)[0].split()
    words = clause if len(clause) >= 2 else text.split()
    words = [w.strip(".,;:!?") for w in words[:8]]
    while words and words[-1].lower() in stop_words(language):
        words.pop()
    title = " ".join(words)
    return title[:1].upper() + title[1:]


def _series_list(marked: Sequence[tuple[str, Fraction, Fraction]]) -> Iterator[Find]:
    if len(marked) >= 2 and marked[-1][1] - marked[0][1] <= _SERIES_S:
        cues = tuple(start for _, start, _ in marked)
        texts = ("", *(title for title, _, _ in marked))
        yield Find("list", texts, marked[0][1], marked[-1][2], 1.4, cues)


def _inline_lists(sentences: Sequence[Sentence], language: str) -> Iterator[Find]:
    """ "Get close, record the silence, and listen first." """
    for sentence in sentences:
        items: list[list[PlacedWord]] = [[]]
        for word in sentence.words:
            items[-1].append(word)
            if word.text.endswith((",", ";")):
                items.append([])
        while items and (not items[0] or _led_in(items[0], language)):
            items.pop(0)
        joined = bool(items[2:]) and items[-1][:1] and items[-1][0].text.lower() in ("and", "or")
        if not joined or any(not item or len(item) > _ITEM for item in items):
            continue
        said = [*items[:-1], items[-1][1:]]
        texts = [_trimmed(item, language) for item in said]
        if all(texts):
            cues = tuple(item[0].start for item in items)
            yield Find("list", ("", *texts), cues[0], sentence.end, 1.5, cues)


def _led_in(item: Sequence[PlacedWord], language: str) -> bool:
    """True for the "So," before a list."""
    leading = dangling(language) | stop_words(language)
    return all(w.text.lower().strip(",;") in leading for w in item)
