"""How each mood sounds, and the words that ask for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
DORIAN = (0, 2, 3, 5, 7, 9, 10)

Drums = Literal["none", "soft", "pop", "four", "big", "swing"]
Lead = Literal["pluck", "keys", "bell"]


@dataclass(frozen=True, slots=True)
class Mood:
    """A way to sound."""

    name: str
    words: tuple[str, ...]
    """Beginnings of words that ask for it."""
    bpm: int
    scale: tuple[int, ...]
    progressions: tuple[tuple[int, ...], ...]
    """Four chords each, as degrees of the scale from 0."""
    drums: Drums
    lead: Lead
    rate: int
    """Notes of the accompaniment to a bar."""
    seventh: bool = False
    bass: bool = True


MOODS: tuple[Mood, ...] = (
    Mood(
        "uplifting",
        ("uplift", "inspir", "motivat", "corporate", "business", "tech", "hope", "positive"),
        104,
        MAJOR,
        ((0, 4, 5, 3), (3, 0, 4, 5), (0, 2, 3, 4)),
        "soft",
        "pluck",
        8,
    ),
    Mood(
        "happy",
        ("happ", "joy", "fun", "cheer", "upbeat", "bright", "playful", "pop", "summer", "sunny"),
        116,
        MAJOR,
        ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 0, 4)),
        "pop",
        "pluck",
        8,
    ),
    Mood(
        "calm",
        ("calm", "relax", "peace", "ambient", "soft", "gentle", "medit", "sleep", "nature", "slow"),
        74,
        MAJOR,
        ((0, 3, 5, 3), (0, 2, 3, 0), (3, 0, 3, 4)),
        "none",
        "keys",
        4,
        seventh=True,
    ),
    Mood(
        "sad",
        ("sad", "melanch", "emotion", "nostalg", "piano", "lonely", "romant", "tender", "love"),
        70,
        MINOR,
        ((0, 5, 2, 6), (0, 3, 5, 4), (5, 6, 0, 0)),
        "none",
        "keys",
        8,
    ),
    Mood(
        "cinematic",
        ("cinema", "epic", "dramat", "film", "trailer", "orchestr", "heroic", "grand", "majest"),
        92,
        MINOR,
        ((0, 5, 2, 6), (0, 0, 5, 6), (0, 2, 5, 3)),
        "big",
        "bell",
        8,
    ),
    Mood(
        "energetic",
        ("energ", "electro", "dance", "edm", "house", "techno", "hype", "sport", "workout", "fast",
         "action", "rock", "power", "intense"),
        126,
        MINOR,
        ((0, 5, 2, 6), (0, 6, 5, 6), (5, 6, 0, 2)),
        "four",
        "pluck",
        16,
    ),
    Mood(
        "dark",
        ("dark", "tens", "suspen", "myst", "horror", "scar", "thrill", "drone", "crime"),
        80,
        MINOR,
        ((0, 0, 5, 4), (0, 1, 0, 5), (0, 3, 0, 1)),
        "big",
        "bell",
        4,
    ),
    Mood(
        "chill",
        ("chill", "lo-fi", "lofi", "jazz", "hip", "groov", "cool", "funk", "soul", "urban", "beat"),
        84,
        DORIAN,
        ((0, 3, 0, 4), (1, 4, 0, 5), (0, 3, 6, 4)),
        "swing",
        "keys",
        8,
        seventh=True,
    ),
)  # fmt: skip
DEFAULT = MOODS[0]
TEMPO = re.compile(
    r"\b(?:\d+\s*(?:-|–|to)\s*)?(\d+)(?:\.\d+)?[\s-]*(?:bpm|beats?(?:\s+(?:a|per)\s+|/)min(?:ute)?)\b"
    r"|\b(?:bpm|tempo)\s*(?:of|:|=)?\s*(\d+)(?:\s*bpm)?\b",
    re.IGNORECASE,
)
"""A tempo in words, as "120 BPM", "tempo: 120"; of "120-130 BPM" the upper end."""


def mood_of(texts: Iterable[str | None]) -> Mood | None:
    """The mood that the first text with a known word asks for; None: no text has one."""
    found = (mood for text in texts for mood in moods_in(text or ""))
    return next(found, None)


def moods_in(text: str) -> list[Mood]:
    """The moods that the words of a text ask for, in their order."""
    words = re.findall(r"[a-z\-]+", TEMPO.sub(" ", text.lower()))  # its beats ask for none
    return [mood for mood in map(_asked_by, words) if mood is not None]


def _asked_by(word: str) -> Mood | None:
    """Of several beginnings the longest says most: "techno" is not "tech", "funk" is not "fun"."""
    begun = [(len(start), mood) for mood in MOODS for start in mood.words if word.startswith(start)]
    return max(begun, key=lambda each: each[0])[1] if begun else None


def named(name: str) -> Mood:
    """The mood of that name."""
    return next(mood for mood in MOODS if mood.name == name)
