"""Having pictures and videos made by somebody else's model, by whichever key is set.

    OPENAI_API_KEY       pictures             openai.py
    REPLICATE_API_TOKEN  pictures and videos  replicate.py
    FAL_KEY              pictures and videos  fal.py

Of several the first of this list that makes the kind is used, unless MOSAIC_PROVIDER names one.
Without any, the studio draws a card that says what it stands for (`cards.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.providers.fal import Fal
from mosaic_mcp.studio.providers.openai import OpenAI
from mosaic_mcp.studio.providers.provider import FilmWish, Kind, PictureWish, Provider, Tell, Wish
from mosaic_mcp.studio.providers.replicate import Replicate
from mosaic_mcp.web.addresses import anywhere, public

__all__ = ["FilmWish", "Kind", "PictureWish", "Provider", "Providers", "Tell", "Wish"]

NAMES = ("openai", "replicate", "fal")


@dataclass(frozen=True, slots=True)
class Providers:
    """Those that may be used, the preferred first."""

    all: Sequence[Provider] = ()

    @classmethod
    def of(cls, settings: Settings) -> Providers:
        """By the environment; InvalidRequest for a MOSAIC_PROVIDER that is none or has no key."""
        allowed = anywhere if settings.private_urls else public
        models: dict[Kind, str] = {}
        if settings.image_model:
            models["image"] = settings.image_model
        if settings.video_model:
            models["video"] = settings.video_model
        image, base = settings.image_model, settings.openai_base_url
        makers: dict[str, tuple[str | None, Callable[[str], Provider]]] = {
            "openai": (
                settings.openai_api_key,
                lambda key: OpenAI.of(key, base, image, allowed=allowed),
            ),
            "replicate": (
                settings.replicate_api_token,
                lambda key: Replicate.of(key, models, allowed=allowed),
            ),
            "fal": (settings.fal_key, lambda key: Fal.of(key, models, allowed=allowed)),
        }
        chosen = settings.provider
        if chosen not in (None, "none", *NAMES):
            raise _wrong(f"is {chosen!r}.", f"Set {', '.join(NAMES)} or none.")
        if chosen in makers and not makers[chosen][0]:
            raise _wrong(f"is {chosen}, whose key is not set.", "Set its key as well.")
        return cls(
            tuple(
                make(key) for name, (key, make) in makers.items() if key and chosen in (None, name)
            )
        )

    def for_(self, kind: Kind) -> Provider | None:
        """Who makes things of that kind; None when nobody does."""
        return next((provider for provider in self.all if kind in provider.models), None)

    def says(self, kind: Kind) -> str:
        """What having one made means, as a sentence for a plan."""
        word = "pictures" if kind == "image" else "videos"
        provider = self.for_(kind)
        if provider is None:
            return (
                f"No provider of {word} is set in the environment that the studio was started "
                "with: a card with the prompt stands in, marked so."
            )
        return (
            f"Calls {provider.name} with your key ({provider.variable}) for {word} by "
            f"{provider.models[kind]}, which costs what {provider.name} takes."
        )


def _wrong(what: str, remedy: str) -> InvalidRequest:
    return InvalidRequest([Fault("MOSAIC_PROVIDER", what, remedy)])
