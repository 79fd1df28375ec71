"""Pictures and videos by fal: submit to its queue, look at the status, get the result.

The answer to the submission says where status and result are to be found. The key is sent there
only when that is the queue's own address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from mosaic_mcp.errors import GenerationFailed
from mosaic_mcp.studio.providers.api import USUAL, Api, Pace, reason
from mosaic_mcp.studio.providers.order import Order
from mosaic_mcp.studio.providers.provider import FilmWish, Kind, PictureWish, Tell, Wish
from mosaic_mcp.web.addresses import IPAddress, public

BASE = "https://queue.fal.run"
MODELS: dict[Kind, str] = {
    "image": "fal-ai/flux/schnell",
    "video": "bytedance/seedance-2.0/text-to-video",
}
ADDRESSES = ("status", "response", "cancel")
"""Of work in the queue."""
FEWEST_S = 4
"""Shortest video of the usual model."""


@dataclass(slots=True)
class Fal:
    """The queue API of one key."""

    api: Api
    models: dict[Kind, str]
    name: str = field(default="fal", init=False)
    variable: str = field(default="FAL_KEY", init=False)

    @classmethod
    def of(
        cls,
        key: str,
        models: dict[Kind, str],
        base: str = BASE,
        *,
        allowed: Callable[[IPAddress], bool] = public,
        pace: Pace = USUAL,
    ) -> Fal:
        """With a key; `models` go before the usual ones."""
        api = Api("fal", "FAL_KEY", base, {"Authorization": f"Key {key}"}, allowed, pace)
        return cls(api, {**MODELS, **models})

    async def make(self, wish: Wish, folder: Path, tell: Tell, order: Order) -> Path:
        """The first file of the result."""
        work = await order.work()
        if work is None:
            await tell(f"asking {self.name} for a {wish.kind}")
            path = f"/{quote(self.models[wish.kind])}"
            begun = await order.place(lambda: self.api.ask("POST", path, input_of(wish)))
            work = {name: self._ours(begun.get(f"{name}_url")) for name in ADDRESSES}
            await order.begun(work)

        async def look() -> dict[str, Any] | None:
            seen = await self.api.ask("GET", work["status"])
            if seen.get("status") != "COMPLETED":
                return None
            if seen.get("error"):
                raise GenerationFailed(
                    f"{self.name} failed: {reason(seen['error'])}.", remedy=GenerationFailed.advice
                )
            return seen

        async def cancel() -> object:
            return await self.api.ask("PUT", work["cancel"])

        await self.api.finished(look, lambda: order.stop(cancel), tell)
        result = await self.api.ask("GET", work["response"])
        return await self.api.fetch(_url(result, wish.kind), wish.kind, folder, tell)

    def _ours(self, url: object) -> str:
        """The path of an address of this API."""
        if not isinstance(url, str) or not url.startswith(f"{self.api.base}/"):
            raise GenerationFailed(
                f"{self.name} names another address than its own for the result.",
                remedy="Check the model's name.",
            )
        return url.removeprefix(self.api.base)


def _url(result: dict[str, Any], kind: Kind) -> object:
    """Where the file is: `video.url`, `images[0].url` or `image.url`."""
    found = result.get(kind) or next(iter(result.get(f"{kind}s") or ()), None)
    return cast("dict[str, Any]", found).get("url") if isinstance(found, dict) else None


def input_of(wish: Wish) -> dict[str, Any]:
    """The input of the usual models, and of many others."""
    match wish:
        case PictureWish():
            shaped: dict[str, Any] = (
                {} if wish.free else {"image_size": {"width": wish.width, "height": wish.height}}
            )
            # It has no WebP.
            kind = "png" if wish.format == "webp" else wish.format
            return {"prompt": wish.prompt, "num_images": 1, "output_format": kind, **shaped}
        case FilmWish():
            return {
                "prompt": wish.prompt,
                "duration": str(max(wish.seconds, FEWEST_S)),
                "aspect_ratio": wish.aspect,
                "resolution": wish.resolution,
                "generate_audio": wish.sound,
            }
