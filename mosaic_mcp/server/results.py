"""The one place that forms results.

The same compact facts stand in the text and in `structuredContent`, because some hosts show the
model only the one and some only the other. Nothing is null, nothing is empty but a list that was
asked for, and everything fits into 8,000 characters.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from mcp_types import CallToolResult, ContentBlock, TextContent
from pydantic import BaseModel, ConfigDict

MAX_CHARS = 8_000


class Answer(BaseModel):
    """Base of what tools answer."""

    model_config = ConfigDict(extra="forbid")


def result(answer: Answer, *blocks: ContentBlock) -> CallToolResult:
    """The answer as text and structure, followed by links."""
    data = answer.model_dump(mode="json", exclude_none=True)
    fields = type(answer).model_fields
    data = {k: v for k, v in data.items() if fields[k].is_required() or v not in ([], {}, "")}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(
        content=[TextContent(type="text", text=text), *blocks], structured_content=data
    )


def shorten(texts: Sequence[str], each: int = 300, most: int = 5) -> list[str]:
    """At most `most` texts of at most `each` characters; says how many were left out."""
    out = [t if len(t) <= each else t[: each - 1] + "…" for t in texts[:most]]
    if len(texts) > most:
        out.append(f"… and {len(texts) - most} more")
    return out
