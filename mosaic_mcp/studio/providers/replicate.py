"""Pictures and videos by Replicate: create a prediction, look after it, fetch its file.

An official model is called by its name (owner/name), any other by owner/name:version.
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
from mosaic_mcp.studio.providers.provider import (
    FilmWish,
    Kind,
    PictureWish,
    Tell,
    Wish,
    nearest_shape,
)
from mosaic_mcp.web.addresses import IPAddress, public

BASE = "https://api.replicate.com/v1"
MODELS: dict[Kind, str] = {
    "image": "black-forest-labs/flux-schnell",
    "video": "bytedance/seedance-2.0",
}
SHAPES = ("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21")
FEWEST_S = 4
"""Shortest video of the usual model."""


@dataclass(slots=True)
class Replicate:
    """The predictions API of one key."""

    api: Api
    models: dict[Kind, str]
    name: str = field(default="Replicate", init=False)
    variable: str = field(default="REPLICATE_API_TOKEN", init=False)

    @classmethod
    def of(
        cls,
        key: str,
        models: dict[Kind, str],
        base: str = BASE,
        *,
        allowed: Callable[[IPAddress], bool] = public,
        pace: Pace = USUAL,
    ) -> Replicate:
        """With a key; `models` go before the usual ones."""
        headers = {"Authorization": f"Bearer {key}"}
        api = Api("Replicate", "REPLICATE_API_TOKEN", base, headers, allowed, pace)
        return cls(api, {**MODELS, **models})

    async def make(self, wish: Wish, folder: Path, tell: Tell, order: Order) -> Path:
        """The first file of the prediction's output."""
        work = await order.work()
        if work is None:
            await tell(f"asking {self.name} for a {wish.kind}")
            begun = await order.place(lambda: self._begin(self.models[wish.kind], input_of(wish)))
            work = {"prediction": str(begun.get("id"))}
            await order.begun(work)
        at = f"/predictions/{quote(work['prediction'], safe='')}"

        async def look() -> dict[str, Any] | None:
            return self._ended(await self.api.ask("GET", at))

        async def cancel() -> object:
            return await self.api.ask("POST", f"{at}/cancel")

        ended = await self.api.finished(look, lambda: order.stop(cancel), tell)
        output: Any = ended.get("output")
        url = cast("list[Any]", [*output, None])[0] if isinstance(output, list) else output
        return await self.api.fetch(url, wish.kind, folder, tell)

    async def _begin(self, model: str, inputs: dict[str, Any]) -> dict[str, Any]:
        name, _, version = model.partition(":")
        if version:
            body = {"version": version, "input": inputs}
            return await self.api.ask("POST", "/predictions", body)
        path = f"/models/{quote(name)}/predictions"
        return await self.api.ask("POST", path, {"input": inputs})

    def _ended(self, prediction: dict[str, Any]) -> dict[str, Any] | None:
        """The prediction once it succeeded; None while it is at work."""
        match prediction.get("status"):
            case "succeeded":
                return prediction
            case "failed" | "canceled" | "aborted":
                why = reason(prediction.get("error")) or "it does not say why"
                raise GenerationFailed(
                    f"{self.name} failed: {why}.", remedy=GenerationFailed.advice
                )
            case _:
                return None


def input_of(wish: Wish) -> dict[str, Any]:
    """The input of the usual models, and of many others."""
    match wish:
        case PictureWish():
            return {
                "prompt": wish.prompt,
                "aspect_ratio": nearest_shape(wish.width, wish.height, SHAPES),
                "output_format": "jpg" if wish.format == "jpeg" else wish.format,
                "num_outputs": 1,
            }
        case FilmWish():
            return {
                "prompt": wish.prompt,
                "duration": max(wish.seconds, FEWEST_S),
                "aspect_ratio": wish.aspect,
                "resolution": wish.resolution,
                "generate_audio": wish.sound,
            }
