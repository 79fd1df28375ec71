"""The one place that forms results.

The same compact facts stand in the text and in `structuredContent`, because some hosts show the
model only the one and some only the other. Nothing is null, nothing is empty but a list that was
asked for, and everything together stays within 8,000 characters: hosts cut what is longer where
they please, so what does not fit is left out here, and `left_out` says what.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

from mcp_types import CallToolResult, ContentBlock, TextContent
from pydantic import BaseModel, ConfigDict, Field

from mosaic_mcp.server.quoting import quoted

MAX_CHARS = 8_000
SHORTEST = 400
"""Characters that a text keeps when nothing but texts is left to shorten."""
NOTE_ROOM = 300
"""Characters kept free for `left_out`."""


class Answer(BaseModel):
    """Base of what tools answer."""

    model_config = ConfigDict(extra="forbid")

    left_out: tuple[str, ...] = Field(default=(), description="What did not fit into this answer")


def result(answer: Answer, *blocks: ContentBlock) -> CallToolResult:
    """The answer as text and structure, followed by links."""
    links = sum(len(block.model_dump_json(exclude_none=True)) for block in blocks)
    data = fitted(told(answer), MAX_CHARS - links)
    return CallToolResult(
        content=[TextContent(type="text", text=compact(data)), *blocks], structured_content=data
    )


def compact(data: Any) -> str:
    """JSON without spaces, in which every character can be seen."""
    return quoted(data)


def told(answer: BaseModel) -> dict[str, Any]:
    """The facts of an answer; what is as by default is not told, a list that was asked for is."""
    return answer.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def fitted(data: dict[str, Any], most: int = MAX_CHARS) -> dict[str, Any]:
    """The data within `most` characters: rows of the longest lists go first, then ends of texts.

    `left_out` tells how many rows of which list.
    """
    if len(compact(data)) <= most:
        return data
    data = json.loads(compact(data))  # a copy that may be changed
    whole = {path: len(rows) for path, rows in _lists(data)}
    while (excess := len(compact(data)) - most + NOTE_ROOM) > 0:
        rows = max((r for _, r in _lists(data) if len(r) > 1), key=_size, default=None)
        if rows is not None:
            while len(rows) > 1 and excess > 0:
                excess -= len(compact(rows.pop())) + 1
        elif not _shortened(data):
            break
    kept = {path: len(rows) for path, rows in _lists(data)}
    data["left_out"] = [
        f"{count - kept[path]} of {count} {path}; ask for less at once, or page on"
        for path, count in whole.items()
        if path in kept and kept[path] < count
    ][:5] or ["ends of long texts"]
    return data


def _lists(data: Any, path: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Every list of the data with its path."""
    if isinstance(data, dict):
        for key, value in cast(dict[str, Any], data).items():
            yield from _lists(value, f"{path}.{key}" if path else key)
    elif isinstance(data, list):
        rows = cast(list[Any], data)
        yield path, rows
        for index, row in enumerate(rows):
            yield from _lists(row, f"{path}[{index}]")


def _size(rows: list[Any]) -> int:
    return len(compact(rows))


def _shortened(data: Any) -> bool:
    """Cut the longest text in half; False when all are short."""
    holder, key = max(_texts(data), key=lambda at: len(at[0][at[1]]), default=(None, None))
    if holder is None or len(holder[key]) <= SHORTEST:
        return False
    holder[key] = holder[key][: max(SHORTEST, len(holder[key]) // 2) - 1] + "…"
    return True


def _texts(data: Any) -> Iterator[tuple[Any, Any]]:
    """Where texts stand: their holder and key."""
    items: Any = ()
    if isinstance(data, dict):
        items = cast(dict[str, Any], data).items()
    elif isinstance(data, list):
        items = enumerate(cast(list[Any], data))
    for key, value in items:
        if isinstance(value, str):
            yield data, key
        else:
            yield from _texts(value)


def page_of(rows: Sequence[BaseModel], most: int) -> int:
    """How many of the first rows fit into `most` characters, at least one."""
    used = count = 0
    for row in rows:
        used += len(compact(told(row))) + 1
        if count and used > most:
            break
        count += 1
    return count


def shorten(texts: Sequence[str], each: int = 600, most: int = 5) -> list[str]:
    """At most `most` texts of at most `each` characters; says how many were left out."""
    out = [clipped(t, each) for t in texts[:most]]
    if len(texts) > most:
        out.append(f"… and {len(texts) - most} more")
    return out


def clipped(text: str, most: int) -> str:
    """The text, its end replaced by "…" when it is longer."""
    return text if len(text) <= most else text[: most - 1] + "…"
