"""English word lists that the tiles judge speech by. Other languages go without them."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS = _words(
    """a about above after again all also am an and any are as at be because been before being but
    by can could did do does doing done down each even every few for from further get gets getting
    go goes going gonna got had has have having he her here hers him his how i if in into is it its
    just know let like made make makes making many maybe me mean more most much my no nor not now
    of off oh ok okay on once one only or other our out over own quite rather really right said
    same say says see she should so some such than that the their them then there these they thing
    things think this those though through to too under until up us very want was way we well were
    what when where which while who why will with would yeah yes you your"""
)
"""English words that say nothing about a topic."""

ASKING = _words(
    """best better catchy clip clips cut cuts edit engaging exciting find give good great highlight
    highlights hook hooks hooky interesting main memorable minute minutes moment moments part parts
    passage passages pick piece please punchy quotable quote quotes reel reels second seconds
    section sections segment segments select short shorts show social speak speaker speaks strong
    strongest talk talking talks tiktok top topic topics video videos viral youtube"""
)
"""Words of a request that name the job, not the topic."""

DRAWING = _words(
    """add also beside display draw graphic graphics include motion need overlay picture put screen
    start text throughout use whole words"""
)
"""Words of a wish for graphics that name none."""

EDITING = _words(
    """clean complete completed final finished full good last pause pauses sentence sentences
    silence silences speech take takes usable version versions word words"""
)
"""What every rough cut keeps or removes anyway: "keep only the last takes" names no topic."""

HOOKS = _words(
    """actually amazing believe biggest crazy discover easiest fastest first free hack hardest
    hidden how imagine important incredible learn lesson listen mistake mistakes myth never
    nobody problem problems proof reason remember secret secrets shocking simple stop story
    surprise surprised surprising tip tips trick truth why worst wrong"""
)
"""Words that short videos open with."""

DANGLING = _words(
    """also and anyway because but he her him his it its or she so than that their them then
    these they this those too which who"""
)
"""A passage that opens with one of these leans on what came before it."""
