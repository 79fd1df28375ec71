"""What a Rough Cut prompt asks to keep or remove, read by fixed phrases.

    Remove the part about pricing and the last 30 seconds. Keep only the demo.

A prompt is read clause by clause. A clause with a verb of cutting or keeping says what of: a topic,
a time, or what every rough cut does anyway. Where that is not understood it is told, not guessed.
Clauses without such a verb ("make it lively") are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mosaic_mcp.contract.spans import Span, read_span
from mosaic_mcp.studio.tiles.speech.lexicon import ANYWAY, EDITING, STOP_WORDS, UNNAMED
from mosaic_mcp.studio.tiles.speech.numerals import is_number
from mosaic_mcp.studio.tiles.speech.relevance import mentions, topic

Kind = Literal["remove", "keep"]

_REMOVE = (
    r"remove|delete|drop|omit|skip|exclude|discard|erase|trim|get rid of"
    r"|(?:cut|take|leave|edit|throw) (?:out|away)|cut|(?:take|leave|edit|throw)(?=\s.*\sout$)"
)
_ONLY = (
    r"only keep|keep only|keep just|just keep|only use|use only|only leave|leave only"
    r"|keep nothing but|only(?= (?:the|my|from|\d))"
)
_KEEP = r"keep|retain|preserve|leave"
_LEADING = r"please|also|then|just|now|(?<!the )(?<!a )first|finally|do not|don['’]t|never"
_NOT = re.compile(r"\b(?:not|never|no|nobody|nothing|avoid|without|\w+n['’]t)\b", re.IGNORECASE)
_BUT = re.compile(r"\bbut\b|(?:^|, ?|\band )not\b|\bexcept\b", re.IGNORECASE)
"""An exception to what was said before, which nothing here makes."""
_BEGINS = rf"(?:(?:{_LEADING})\s+)*(?:{_ONLY}|{_KEEP}|{_REMOVE}|only|make|tighten|shorten|add)\b"
_CLAUSE = re.compile(
    rf"[.;!?](?=\s|$)|[。；！？]|(?:,\s*|,?\s+(?:and|but|then|and then)\s+)(?={_BEGINS})",
    re.IGNORECASE,
)
# A verb stands at the beginning or behind one of these words: not so in "make a rough cut".
_ASKS = re.compile(
    rf"(?:^|[:(]\s*|[–—-]\s+|\b(?:{_LEADING}|and|but|to|should|must|can|could|would|will|you|we|i"
    r"|let['’]?s)\s+)"
    rf"(?P<verb>(?P<only>{_ONLY})|(?P<remove>{_REMOVE})|{_KEEP})\b",
    re.IGNORECASE,
)
_PASSIVE = re.compile(
    r"\b(?:removed|deleted|omitted|excluded|(?:cut|left|taken|edited) out|(?:should|must|can|has to"
    r"|have to) go)\b",
    re.IGNORECASE,
)
_VIDEO = r"(?:video|talk|recording|interview|podcast|episode|footage|webinar|session|clip)"
_TRAILING = re.compile(
    r",? (?:please|too|as well|completely|entirely|altogether|out|away"
    rf"|from (?:the|this|my) {_VIDEO})$",
    re.IGNORECASE,
)
_WHICH = r"(?:(?:all|any|every|each|the|this|that|these|those|my|our|his|her|their|entire|whole) )*"
_NOUN = (
    r"(?:parts?|bits?|sections?|segments?|passages?|portions?|chapters?|moments?|sentences?"
    r"|mentions?|discussions?|talk)"
)
_PIECE = rf"(?:everything|anything|all|{_WHICH}{_NOUN})(?: of (?:the|this|my|our) {_VIDEO})?"
_ABOUT = (
    r"(?:about|on|regarding|concerning|covering|mentioning|discussing"
    r"|(?:that|which) (?:mentions?|covers?|discuss(?:es)?|(?:talks?|is|are) about)"
    r"|(?:where|when|in which)\b.{0,40}?\b(?:about|mentions?|mentioned|discuss(?:es|ed)?))"
)
_ON_TOPIC = re.compile(
    rf"(?:{_PIECE} {_ABOUT}|{_WHICH}(?:mentions?|discussions?|talk|references?) (?:of|to)) "
    r"(?P<topic>.+)",
    re.IGNORECASE,
)
_NAMED_PART = re.compile(rf"{_WHICH}(?P<topic>\S+(?: \S+){{0,5}}?) {_NOUN}", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"\b(?:after|all|at|before|between|down|everything|from|in|into|not|of|to|until)\b",
    re.IGNORECASE,
)
"""What goes is not what such a phrase names: "everything before the demo", "cut to the demo"."""
_EXCEPT = re.compile(
    r"(?:everything|anything|all)(?: else)? (?:except|but|besides|other than|apart from)(?: for)? "
    r"(?P<left>.+)",
    re.IGNORECASE,
)
_ALL = re.compile(r"(?:everything|all|the rest)\b.*", re.IGNORECASE)
_REST = re.compile(r"(?:everything|all|anything) else|(?:all )?the (?:rest|others)", re.IGNORECASE)
_JOINED = re.compile(r"[,、，]\s*(?:and |or )?| (?:and|or|plus|as well as) ", re.IGNORECASE)
_BETWEEN = re.compile(r"\bbetween (?P<a>\S+(?: \w+)?) and (?=\d)", re.IGNORECASE)
_STARTS = re.compile(
    rf"(?:all|any|every|each|the|this|that|these|those|my|our|everything|anything|{_NOUN}|first|last"
    r"|from|after|before|until|not|\d+:\d\d)\b",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^(?:[-*•]|\d+[.)])\s+")
_HEADING = re.compile(rf"(?:{_LEADING}|\s)*(?:{_ONLY}|{_REMOVE})(?: out)? ?:", re.IGNORECASE)
_TO_A_LENGTH = re.compile(
    rf"(?:(?:{_WHICH}{_VIDEO}|it|this|that|everything|all) )?(?:down )?to\b", re.IGNORECASE
)
"""“Trim the video to two minutes” asks for a length, and does not say which two."""
_TIMED = re.compile(
    r"\d:\d\d|\b(?:seconds?|secs?|minutes?|mins?|hours?|hrs?)\b|\d\s*(?:s|m|h)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Wish:
    """Sentences about one of `topics` are to go, or are all that stays."""

    kind: Kind
    phrase: str
    topics: tuple[tuple[str, ...], ...]
    """Word stems; of "pricing, discounts and refunds" three topics of one each."""

    def meets(self, said: Sequence[str]) -> bool:
        """True when at least half of a topic's words are among the stems `said`."""
        found = (mentions(topic, said).values() for topic in self.topics)
        return any(2 * sum(count > 0 for count in counts) >= len(counts) for counts in found)


@dataclass(frozen=True, slots=True)
class TimeWish:
    """A stretch of the video is to go, or is all that stays."""

    kind: Kind
    phrase: str
    span: Span


@dataclass(slots=True)
class Wishes:
    """What a prompt says."""

    topics: list[Wish] = field(default_factory=list[Wish])
    times: list[TimeWish] = field(default_factory=list[TimeWish])
    unread: list[str] = field(default_factory=list[str])
    """Clauses with a verb of cutting or keeping that were not understood."""


def wishes(prompt: str, language: str) -> Wishes:
    """Read a prompt such as "remove the part about pricing" or "keep only the first minute"."""
    found = Wishes()
    rests: list[str] = []
    for text in _clauses(prompt):
        asked = _ASKS.search(text)
        if asked is None:
            found.unread += [text] if _PASSIVE.search(text) else []
            continue
        verb, what = asked["verb"], _object(text[asked.end() :])
        if _NOT.search(text[: asked.start("verb")]) or _BUT.search(_EXCEPT.sub("", what)):
            found.unread.append(text)
        elif asked["remove"] and _REST.fullmatch(what):
            rests.append(f"{verb} {what}")
        elif asked["only"] or asked["remove"] or _EXCEPT.fullmatch(what):
            _Reader(found, verb, "remove" if asked["remove"] else "keep", language).read(what)
        elif not _kept_anyway(what):
            found.unread.append(f"{verb} {what}")
    if not any(wish.kind == "keep" for wish in [*found.topics, *found.times]):
        found.unread += rests  # of what?
    return found


def _clauses(prompt: str) -> Iterator[str]:
    """The clauses of a prompt; what is listed under "Remove:" has that verb."""
    heading, first = "", False
    for line in filter(None, (" ".join(line.split()) for line in prompt.splitlines())):
        text = _BULLET.sub("", line)
        if heading and text and (first or text != line) and not _ASKS.search(text):
            text, first = f"{heading} {text}", False
        else:
            heading = text.rstrip(" :") if _HEADING.fullmatch(text) else ""
            first = bool(heading)
        if not first:
            yield from map(str.strip, _CLAUSE.split(text))


def _object(text: str) -> str:
    """What a verb is said of, without what says nothing more."""
    text = _BETWEEN.sub(r"from \g<a> to ", text.strip(" ,:'\"“”"))
    while (shorter := _TRAILING.sub("", text)) != text:
        text = shorter
    return text


def _kept_anyway(what: str) -> bool:
    """True for "keep everything that is good" and "keep the best take of everything"."""
    return _is_anyway(what) or (bool(_ALL.fullmatch(what)) and not _ON_TOPIC.fullmatch(what))


def _is_anyway(text: str) -> bool:
    """True when it names only what every rough cut chooses from or removes, and no topic."""
    if _ON_TOPIC.fullmatch(text):
        return False
    words = set(re.findall(r"\w+", text.lower()))
    return bool(words & ANYWAY) and words <= ANYWAY | EDITING | STOP_WORDS | {"everything"}


@dataclass(slots=True)
class _Reader:
    """Reads what a verb is said of: one thing, or several one after the other."""

    found: Wishes
    verb: str
    kind: Kind
    language: str
    bare: bool = False
    """Any words are a topic: "keep only the demo", but not "remove the noise"."""

    def read(self, what: str) -> None:
        """Add what is meant to the wishes; what is not understood to those unread."""
        if left := _EXCEPT.fullmatch(what):
            self.kind = "keep" if self.kind == "remove" else "remove"
            self.verb, what = f"{self.verb} {what[: left.start('left')]}".strip(), left["left"]
        self.bare = self.kind == "keep" or left is not None
        last: Wish | None = None
        anyway = ""
        for item in _items(what):
            if _is_anyway(f"{anyway} {item}".strip()):  # "the silence at the start and the end"
                anyway = item
                continue
            anyway = ""
            wish = self._wish(item)
            if isinstance(wish, TimeWish):
                self.found.times.append(wish)
            elif wish is not None:
                self.found.topics.append(wish)
                last = wish
            elif last is not None and self._goes_on(item):
                last = self._also(last, item)
            else:
                self.found.unread.append(f"{self.verb} {item}".strip())

    def _wish(self, item: str) -> Wish | TimeWish | None:
        on_topic = _ON_TOPIC.fullmatch(item)
        if on_topic:
            return self._about(on_topic["topic"], _JOINED.split(on_topic["topic"]))
        if _TIMED.search(item):
            span = _span(item) if self.kind == "keep" or not _TO_A_LENGTH.match(item) else None
            return TimeWish(self.kind, item, span) if span else None
        part = _NAMED_PART.fullmatch(item)
        if part or self.bare:
            phrase = part["topic"] if part else item
            if not _ELSEWHERE.search(phrase):
                return self._about(phrase, map(_naming, _JOINED.split(phrase)))
        return None

    def _about(self, phrase: str, named: Iterable[str]) -> Wish | None:
        topics = tuple(tuple(topic(each, self.language)) for each in named)
        topics = tuple(filter(None, topics))
        return Wish(self.kind, phrase.strip(" ,'\"“”"), topics) if topics else None

    def _goes_on(self, item: str) -> bool:
        """True for "the weather" in "the part about pricing and the weather"."""
        something_new = _NAMED_PART.fullmatch(item) or _TIMED.search(item)
        return not something_new and bool(topic(_naming(item), self.language))

    def _also(self, wish: Wish, item: str) -> Wish:
        topics = (*wish.topics, tuple(topic(item, self.language)))
        more = replace(wish, phrase=f"{wish.phrase} and {item}", topics=topics)
        self.found.topics[-1] = more
        return more


def _items(what: str) -> Iterator[str]:
    """The things of a list; "pricing and discounts", where no new thing begins, is one."""
    item = ""
    for part in _JOINED.split(what):
        if item and not (_STARTS.match(part) or _is_anyway(part) or _is_anyway(item)):
            item = f"{item} and {part}"
            continue
        if item:
            yield item
        item = part
    yield item


def _naming(phrase: str) -> str:
    """The words of a phrase that may name a topic: not "the first two", "the boring"."""
    nothing = ANYWAY | EDITING | UNNAMED
    words = (w for w in phrase.split() if w.lower().strip(",'\"“”") not in nothing)
    return " ".join(w for w in words if not is_number(w, "en"))


def _span(item: str) -> Span | None:
    """The stretch that is meant by "everything after 2:30" or "the first minute"."""
    text = re.sub(rf" of (?:the|this|my|our) {_VIDEO}$", "", item, flags=re.IGNORECASE)
    span = read_span(re.sub(rf"^{_PIECE} ", "", text, flags=re.IGNORECASE))
    if span is None or span.whole or span.from_end_ms == 0 or span.end_ms == 0:
        return None
    backwards = span.start_ms and span.end_ms and span.end_ms <= span.start_ms
    return None if backwards else span
