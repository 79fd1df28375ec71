"""Word lists that the tiles judge speech by. English ones: other languages go without them."""

from __future__ import annotations

from mosaic_mcp.contract.languages import is_english
from mosaic_mcp.studio.perception.languages import small_words


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

ANYWAY = _words(
    """air duplicate duplicates false gap gaps pause pauses repeat repeated repeats repetition
    repetitions restart restarts retake retakes silence silences silent take takes version
    versions"""
)
"""What every rough cut chooses from or removes anyway: "keep only the last takes"."""

EDITING = _words(
    """awkward bad beginning best better clean complete completed dead earlier end ends extra failed
    final finished full good last long longer other remaining sentence sentences sound sounds speech
    start starts unused usable word words"""
)
"""What is said of those beside it."""

UNNAMED = _words(
    """awkward beginning best boring closing couple dull end ending energy engaging entire essential
    exciting filler fillers final first funny good half high important interesting irrelevant key
    long longest low main matter matters middle off opening other previous quarter quiet rambling
    redundant relevant repetitive rest short shortest slow small strong third topic uninteresting
    unnecessary unneeded useless valuable weak what whole worst"""
)
"""Which part of a video, or what it is like, but not what is said in it."""

OF_NUMBERS = _words(
    """and billions eighth eighties fifth fifths fifties first forties fourth half hundreds millions
    nineties ninth point quarter quarters second seventh seventies sixth sixties tenths third thirds
    thirties thousands twenties zero"""
)
"""Words behind a number that may belong to it: "nineteen eighties", "two thirds"."""

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


def stop_words(language: str) -> frozenset[str]:
    """The words of a language that say nothing about a topic; none where they are not known."""
    return STOP_WORDS if is_english(language) else small_words(language)


def hooks(language: str) -> frozenset[str]:
    """`HOOKS` where they mean what they say."""
    return HOOKS if is_english(language) else frozenset()


def dangling(language: str) -> frozenset[str]:
    """`DANGLING` where they lean on what came before."""
    return DANGLING if is_english(language) else frozenset()
