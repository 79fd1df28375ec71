"""Pictures by OpenAI, or by any server with its API: POST /images/generations.

The answer holds the picture in base 64 (always so with the gpt-image models) or its address.
OpenAI closed its API for videos on 24 September 2026, so it makes pictures only.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio

from mosaic_mcp.errors import GenerationFailed
from mosaic_mcp.settings import OPENAI_URL
from mosaic_mcp.studio.providers.api import Api
from mosaic_mcp.studio.providers.order import Order
from mosaic_mcp.studio.providers.provider import Kind, PictureWish, Tell, Wish, nearest_shape
from mosaic_mcp.web.addresses import IPAddress, public

MODEL = "gpt-image-2"
OLD_SIZES = {"1:1": "1024x1024", "3:2": "1536x1024", "2:3": "1024x1536"}
"""All that the models before gpt-image-2 make."""
FEWEST_PIXELS = 655_360
"""Smallest picture of gpt-image-2, whose sides are multiples of 16."""
ANSWER_S = 300.0


@dataclass(slots=True)
class OpenAI:
    """The images API of one key."""

    api: Api
    models: dict[Kind, str]
    name: str = field(default="OpenAI", init=False)
    variable: str = field(default="OPENAI_API_KEY", init=False)

    @classmethod
    def of(
        cls,
        key: str,
        base: str,
        model: str | None = None,
        *,
        allowed: Callable[[IPAddress], bool] = public,
    ) -> OpenAI:
        """With a key, at an address."""
        headers = {"Authorization": f"Bearer {key}"}
        api = Api(
            "OpenAI",
            "OPENAI_API_KEY",
            base,
            headers,
            allowed,
            answer_s=ANSWER_S,
            own=base != OPENAI_URL,
        )
        return cls(api, {"image": model or MODEL})

    async def make(self, wish: Wish, folder: Path, tell: Tell, order: Order) -> Path:
        """The picture."""
        assert isinstance(wish, PictureWish)  # noqa: S101 - `models` says so
        made: Mapping[str, Any] | None = await order.work()
        if made is None:
            await tell(f"asking {self.name} for a picture")
            body = self._body(wish)
            answer = await order.place(lambda: self.api.ask("POST", "/images/generations", body))
            made = cast("list[dict[str, Any]]", [*(answer.get("data") or ()), {}])[0]
        if not (coded := made.get("b64_json")):
            if isinstance(url := made.get("url"), str):
                await order.begun({"url": url})
            return await self.api.fetch(url, "image", folder, tell)
        try:
            content = base64.b64decode(coded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise GenerationFailed(f"{self.name} sent a picture that is cut off.") from error
        path = folder / "download"
        await anyio.Path(path).write_bytes(content)
        return path

    def _body(self, wish: PictureWish) -> dict[str, Any]:
        model = self.models["image"]
        return {
            "model": model,
            "prompt": wish.prompt,
            "n": 1,
            "size": "auto" if wish.free else size_of(wish.width, wish.height, model),
            "quality": wish.quality,
            "output_format": wish.format,
        }


def size_of(width: int, height: int, model: str) -> str:
    """The size to ask for: the wished one, larger in the same shape where it is too small."""
    if model.startswith(("gpt-image-1", "dall-e")):
        return OLD_SIZES[nearest_shape(width, height, tuple(OLD_SIZES))]
    growth = max(1.0, (FEWEST_PIXELS / (width * height)) ** 0.5)
    sides = (-(-int(side * growth) // 16) * 16 for side in (width, height))
    return "x".join(map(str, sides))
