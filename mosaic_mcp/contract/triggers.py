"""Triggers: YouTube channels whose new videos start runs (docs.mosaic.so/api/triggers/)."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field

from mosaic_mcp.contract.base import Request, Response

Seconds = Annotated[int, Field(ge=0, le=24 * 3600)]
Channels = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=300)], ...],
    Field(min_length=1, max_length=100),
]


class Duration(Request):
    """How long a new video must be; both ends belong to it."""

    min_seconds: Seconds | None = None
    max_seconds: Seconds | None = None


class FilterOptions(Request):
    """Which new videos count."""

    duration: Duration | None = None


class AddYoutubeChannels(Request):
    """The body of POST /agent/{agent_id}/triggers/add_youtube_channels: additive.

    `trigger_callback_url` left out keeps what there is, null clears it.
    """

    youtube_channels: Channels
    trigger_callback_url: Annotated[str, Field(max_length=4096)] | None = None
    filter_options: FilterOptions | None = None


class RemoveYoutubeChannels(Request):
    """The body of POST /agent/{agent_id}/triggers/remove_youtube_channels."""

    youtube_channels: Channels


class ChannelDetail(Response):
    """A channel as far as it is known."""

    channel_id: str
    channel_name: str | None = None
    channel_handle: str | None = None
    thumbnail_url: str | None = None
    subscriber_count: int | None = None


class Trigger(Response):
    """An entry of GET /agent/{agent_id}/triggers."""

    id: str
    type: Literal["youtube"] = "youtube"
    youtube_channels: tuple[str, ...] = ()
    youtube_channel_details: tuple[ChannelDetail, ...] = ()
    callback_url: str | None = None
    filter_options: FilterOptions | None = None
    note: str | None = None
    """Ours: what the studio does not do with it."""


class FoundChannel(Response):
    """What was given, and the channel that it means."""

    input: str
    channel_id: str


class ChannelsChanged(Response):
    """The answer of add_youtube_channels and remove_youtube_channels."""

    message: str
    channel_ids: tuple[str, ...] = ()
    channels: tuple[FoundChannel, ...] = ()
    filter_options: FilterOptions | None = None
    youtube_channel_details: tuple[ChannelDetail, ...] = ()
    note: str | None = None


_ID = re.compile(r"UC[\w-]{22}")
_HANDLE = re.compile(r"@[\w.\-·]{3,30}")


def youtube_channel(said: str) -> str | None:
    """The channel's id, or its @handle where only that is known; None for what is no channel."""
    text = said.strip()
    if "/" in text:
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
        except ValueError:
            return None
        host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
        if parts.scheme not in ("http", "https") or host != "youtube.com":
            return None
        steps = [unquote(step) for step in parts.path.split("/") if step]
        text = steps[1] if steps[:1] == ["channel"] and len(steps) > 1 else "".join(steps[:1])
    if _ID.fullmatch(text):
        return text
    return text.lower() if _HANDLE.fullmatch(text) else None
