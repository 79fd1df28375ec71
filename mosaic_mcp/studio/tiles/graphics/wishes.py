"""What a Motion Graphics prompt asks for in plain words, read by fixed phrases.

    lower third "Ada Lovelace, engineer" at 0:02; title "Better sound" in #FFCC00; progress bar

A prompt is read clause by clause. A clause names a kind of graphic; quoted text (or text after a
colon, or after "with the name") is what it shows. Whatever else it says is only a hint for choosing
moments, and is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, cast, get_args

from mosaic_mcp.studio.tiles.speech.lexicon import ASKING, DRAWING, STOP_WORDS
from mosaic_mcp.studio.tiles.speech.numerals import SMALL
from mosaic_mcp.studio.timeline.model import Place

Kind = Literal["title", "chapter", "lower-third", "call-out", "quote", "number", "list", "progress"]

_KINDS: dict[Kind, str] = {
    "lower-third": r"lower[- ]?thirds?|name ?tags?|name ?plates?",
    "chapter": r"chapter (?:titles?|cards?|markers?|headings?)|chapters",
    "progress": r"progress[- ]?(?:bars?|indicators?)",
    "call-out": r"call[- ]?outs?",
    "list": r"bullet(?: points?|s)|(?:key )?points|lists?(?: of points)?|checklists?",
    "quote": r"(?:key |pull )?(?:quotes?|phrases?)|quotations?",
    "number": r"(?:number )?counters?|numbers?|stat(?:istic)?s?|figures?",
    "title": r"title (?:cards?|screens?)|titles?|headlines?",
}
_NAMES: dict[str, str] = {
    "red": "#E63946",
    "orange": "#FF8C1A",
    "gold": "#FFC94A",
    "yellow": "#FFE14D",
    "lime": "#A8E63D",
    "green": "#2FB872",
    "teal": "#14B8A6",
    "turquoise": "#40E0D0",
    "cyan": "#22D3EE",
    "blue": "#3B82F6",
    "navy": "#1E3A8A",
    "purple": "#8B5CF6",
    "violet": "#A78BFA",
    "magenta": "#E137C8",
    "pink": "#FF6FA8",
    "brown": "#A0653A",
    "white": "#FFFFFF",
    "black": "#111111",
    "gray": "#9CA3AF",
    "grey": "#9CA3AF",
    "silver": "#C9CED6",
}
_COLOUR = rf"\b(?:{'|'.join(_NAMES)})\b|#[0-9A-Fa-f]{{6}}\b|#[0-9A-Fa-f]{{3}}\b"
_MENTION = re.compile(
    rf"(?P<no>\b(?:no|without|never|skip|avoid|omit|do not|don't)\s+(?:\w+\s+){{0,2}}?)?"
    rf"(?:(?P<colour>{_COLOUR})\s+)?\b(?:"
    + "|".join(f"(?P<{kind.replace('-', '_')}>{pattern})" for kind, pattern in _KINDS.items())
    + r")\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r'"([^"\n]{1,400})"|“([^”\n]{1,400})”|(?<!\w)[\'‘]((?:[^\'’\n]|(?<=\w)[\'’](?=\w)){1,400})[\'’](?!\w)'
)
_SLOT = re.compile("\x00(\\d+)\x00")
_CLAUSE = re.compile(r"[;\n]|[.!?](?=\s|$)")
_COUNTS = {"one": 1, "a": 1, **SMALL}
_TIME = (
    r"\d{1,3}:\d{2}(?::\d{2})?(?:\.\d{1,3})?"
    rf"|(?:\d{{1,5}}(?:\.\d{{1,3}})?\s*|(?:{'|'.join(_COUNTS)})[\s-]+)"
    r"(?:seconds?|secs?|s|minutes?|mins?|m)\b"
)
_AT = re.compile(rf"\bat\s+(?P<at>{_TIME})", re.IGNORECASE)
_UNTIL = re.compile(rf"\b(?:until|till)\s+(?P<to>{_TIME})", re.IGNORECASE)
_SHARE = re.compile(
    rf"\b(?:for|during|in|over)\s+the\s+(?P<edge>first|opening|last|final)\s+(?P<for>{_TIME})",
    re.IGNORECASE,
)
_FROM = re.compile(
    rf"\b(?:from|between)\s+(?P<at>{_TIME})\s*(?:to|until|till|and|-|–)\s*(?P<to>{_TIME})",
    re.IGNORECASE,
)
_FOR = re.compile(rf"\bfor\s+(?:about\s+)?(?P<for>{_TIME})", re.IGNORECASE)
_EDGE = re.compile(r"\bat the (?P<edge>start|beginning|end)\b", re.IGNORECASE)
_SAID = re.compile("\\bwhen\\s+\\w+\\s+says?\\s+\x00(\\d+)\x00", re.IGNORECASE)
_CORNER = re.compile(
    r"\b(?P<y>top|upper|bottom|lower)[- ](?P<x>left|right)\b"
    r"|\b(?:at|in|on|to) the (?P<side>top|bottom|left|right|cent(?:er|re)|middle)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"\bfull[- ]?screen\b", re.IGNORECASE)
_AFTER_COLON = re.compile(
    r"\s*:\s*(?P<text>.+?)(?=\s+(?:at|from|for|in)\s+(?:\d|the\b|#|\w+\s*$)|$)"
)
_NAMED = re.compile(
    r"\b(?:with (?:the |a )?(?:name|text)|saying)\b:?\s+(?P<text>[^\s,:\x00][^,:\x00]*?)"
    rf"(?=$|,|\b(?:at|from|for|between|until|in)\s+(?:about\s+)?(?:{_TIME}|{_COLOUR})"
    r"|\b(?:at|in|on|for|during|over)\s+the\b|\b(?:top|upper|bottom|lower)[- ](?:left|right)\b"
    r"|\bwhen\b|\b(?:and|plus)(?:\s+an?\b|(?:\s+the)?\s*$))",
    re.IGNORECASE,
)
"""Text without quotes: "with the name Ada Lovelace at 0:02"."""
_PHRASE = re.compile(r",|\b(?:and|plus|then|as well as)\b|&", re.IGNORECASE)
"""What parts a clause into what it asks for."""
_JOINED = re.compile(r"\s*(?:,|and|or|nor|,\s*(?:and|or|nor))\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wish:
    """A graphic that is asked for. Times are seconds of the video as it comes in."""

    kind: Kind
    texts: tuple[str, ...] = ()
    """Empty: whatever the talk offers."""
    at: Fraction | None = None
    until: Fraction | None = None
    lasting: Fraction | None = None
    ends: bool = False
    """It stands at the end of the video."""
    said: str = ""
    """It comes when this is said."""
    color: str | None = None
    place: Place = "auto"
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a prompt says."""

    wishes: tuple[Wish, ...] = ()
    without: frozenset[Kind] = frozenset()
    color: str | None = None
    """Of everything that names no colour itself."""
    unknown: tuple[str, ...] = ()
    """What was said that names nothing we draw."""

    @property
    def open(self) -> frozenset[Kind]:
        """Kinds that are asked for without saying what they show."""
        return frozenset(w.kind for w in self.wishes if not w.texts and w.kind != "progress")


def read_wishes(prompt: str) -> Wishes:
    """Read a prompt; never fails: what it does not know it leaves."""
    texts: list[str] = []

    def keep(match: re.Match[str]) -> str:
        texts.append(next(group for group in match.groups() if group is not None))
        return f"\x00{len(texts) - 1}\x00"

    bare = _QUOTED.sub(keep, prompt.replace("\x00", " "))
    wishes: list[Wish] = []
    without: set[Kind] = set()
    color: str | None = None
    unknown: list[str] = []
    for clause in _CLAUSE.split(bare):
        unknown += _unknown(clause)
        mentions = list(_MENTION.finditer(clause))
        if not mentions:
            color = color or _colour(clause)
        refused = False
        for index, mention in enumerate(mentions):
            kind = _kind(mention)
            begin = mentions[index - 1].end() if index else 0
            between = clause[begin : mention.start()]
            joined = index > 0 and _JOINED.fullmatch(between) is not None
            refused = mention["no"] is not None or (refused and joined)
            if refused:
                without.add(kind)
                continue
            end = mentions[index + 1].start() if index + 1 < len(mentions) else len(clause)
            lead = between if index == 0 else ""
            wish = _wish(kind, mention, lead, clause[mention.end() : end], texts)
            wishes.append(wish)
            if wish.color and not wish.texts and kind != "progress":
                color = color or wish.color
    return Wishes(tuple(wishes), frozenset(without), color, tuple(dict.fromkeys(unknown)))


def _unknown(clause: str) -> Iterator[str]:
    """The phrases of a clause that name no graphic, nor when, where or in which colour one is."""
    if mention := next(_MENTION.finditer(clause), None):
        # Text after a colon is shown, commas and all.
        head, tail = clause[: mention.end()], clause[mention.end() :]
        if plain := _plain(tail):
            tail = f"{tail[: plain.start()]} {tail[plain.end() :]}"
        clause = f"{head} {tail}"
    for known in (_SAID, _FROM, _SHARE, _FOR, _UNTIL, _AT, _EDGE, _CORNER, _WHOLE):
        clause = known.sub(" ", clause)
    for phrase in _PHRASE.split(clause):
        if _MENTION.search(phrase) or _SLOT.search(phrase):
            continue
        words = re.findall(r"[^\W\d_][\w'’-]*", re.sub(_COLOUR, " ", phrase, flags=re.IGNORECASE))
        if any(word.lower() not in STOP_WORDS | ASKING | DRAWING for word in words):
            yield " ".join(phrase.split())


def _plain(tail: str) -> re.Match[str] | None:
    """The text without quotes behind a mention."""
    return _AFTER_COLON.match(tail) or _NAMED.search(tail)


def _kind(mention: re.Match[str]) -> Kind:
    return next(kind for kind in get_args(Kind) if mention[kind.replace("-", "_")])


def _wish(kind: Kind, mention: re.Match[str], lead: str, tail: str, texts: list[str]) -> Wish:
    """The graphic that one mention asks for: what stands before it (`lead`) and after it."""
    around = f"{lead} {tail}"
    said = _SAID.search(around)
    slots = [m for m in _SLOT.finditer(tail) if said is None or m[1] != said[1]]
    slots = slots or [m for m in _SLOT.finditer(lead) if said is None or m[1] != said[1]]
    shown = [texts[int(slot[1])] for slot in slots]
    if not shown and (plain := _plain(tail)):
        shown = [plain["text"]]
    heading = bool(slots) and tail[slots[0].end() :].lstrip().startswith(":")
    wish = Wish(
        kind,
        _parts(kind, [s.strip() for s in shown if s.strip()], heading=heading),
        said=texts[int(said[1])] if said else "",
        color=_hex(mention["colour"]) if mention["colour"] else _colour(around),
        place=_place(around),
        whole=_WHOLE.search(around) is not None,
    )
    return _timed(wish, around)


def _timed(wish: Wish, around: str) -> Wish:
    if found := _FROM.search(around):
        return replace(wish, at=_seconds(found["at"]), until=_seconds(found["to"]))
    if found := _SHARE.search(around):
        length = _seconds(found["for"])
        if found["edge"].lower() in ("last", "final"):
            return replace(wish, ends=True, lasting=length)
        return replace(wish, at=Fraction(0), until=length)
    if found := _UNTIL.search(around):
        wish = replace(wish, until=_seconds(found["to"]))
    lasting = _FOR.search(around)
    wish = replace(wish, lasting=_seconds(lasting["for"]) if lasting else None)
    if found := _AT.search(around):
        return replace(wish, at=_seconds(found["at"]))
    if found := _EDGE.search(around):
        if found["edge"].lower() == "end":
            return replace(wish, ends=True)
        return replace(wish, at=Fraction(0))
    return replace(wish, at=Fraction(0)) if wish.until is not None and not wish.said else wish


def _seconds(text: str) -> Fraction:
    if ":" in text:
        total = Fraction(0)
        for part in text.split(":"):
            total = total * 60 + Fraction(part)
        return total
    number, unit = cast(
        "re.Match[str]", re.match(r"([\d.]+|[a-z]+(?=[\s-]))[\s-]*(\w)", text, re.IGNORECASE)
    ).groups()
    count = _COUNTS.get(number.lower())
    return Fraction(number if count is None else count) * (60 if unit.lower() == "m" else 1)


def _colour(text: str) -> str | None:
    found = re.search(_COLOUR, text, re.IGNORECASE)
    return _hex(found.group()) if found else None


def _hex(colour: str) -> str:
    if not colour.startswith("#"):
        return _NAMES[colour.lower()]
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    return f"#{digits.upper()}"


def _place(text: str) -> Place:
    found = _CORNER.search(text)
    if found is None:
        return "auto"
    if found["side"]:
        side = found["side"].lower()
        return "center" if side in ("center", "centre", "middle") else cast("Place", side)
    y = {"upper": "top", "lower": "bottom"}.get(found["y"].lower(), found["y"].lower())
    return cast("Place", f"{y}-{found['x'].lower()}")


def _parts(kind: Kind, shown: list[str], *, heading: bool) -> tuple[str, ...]:
    """The texts of a graphic from what was quoted: a name and its role, a figure and its label."""
    if not shown:
        return ()
    match kind:
        case "lower-third" if len(shown) == 1:
            return tuple(_split(shown[0], r"\s*(?:,|\||–|—|\s-\s)\s*", most=2))
        case "title" | "chapter" if len(shown) == 1:
            return tuple(_split(shown[0], r"\s*\|\s*", most=2))
        case "number":
            return figure_and_label(" ".join(shown))
        case "list":
            return tuple(_points(shown, heading=heading))
        case "lower-third" | "title" | "chapter":
            return tuple(shown[:2])
        case _:
            return (shown[0],)


def _split(text: str, by: str, most: int) -> list[str]:
    return [part.strip() for part in re.split(by, text, maxsplit=most - 1) if part.strip()] or [
        text
    ]


def _points(shown: list[str], *, heading: bool) -> Iterator[str]:
    """A heading, which may be empty, and points."""
    if len(shown) > 1:
        yield from shown if heading else ["", *shown]
        return
    head, colon, rest = shown[0].partition(":")
    yield head.strip() if colon else ""
    yield from _split(rest if colon else shown[0], r"\s*[,;|]\s*", most=8)


_FIGURE = re.compile(
    r"[$€£]?\s?\d[\d.,]*\s?(?:%|percent\b|[kKmMbB]\b|thousand\b|million\b|billion\b|x\b)?"
)


def figure_and_label(text: str) -> tuple[str, str]:
    """ "40% of listeners leave" in its figure and what it counts."""
    found = _FIGURE.search(text)
    if found is None:
        return text, ""
    figure = re.sub(r"\s*percent$", "%", found.group().strip().rstrip(".,"))
    label = f"{text[: found.start()].strip()} {text[found.end() :].strip()}".strip(" ,.:–—-")
    return figure, label
