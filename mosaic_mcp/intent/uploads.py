"""Files that a run needs and the engine does not have yet.

In a planned request such a file stands as a stand-in id; `submit` puts the engine's id in its
place, and the preview shows the file itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import anyio.to_thread

from mosaic_mcp.contract.uploads import AssetType
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.intent.files import File
from mosaic_mcp.intent.transcripts import Transcript

STAND_IN = "upload:"
"""How stand-in ids begin; no id of an engine has a colon."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, or an address to fetch first: for a parameter, which takes no addresses itself, or
    for a video whose words are brought."""

    asset_type: AssetType
    file: File | None = None
    url: str | None = None
    transcript: Transcript | None = None
    """The user's own subtitles for it."""

    async def shown(self) -> dict[str, Any]:
        """The file as a preview shows it: exactly these bytes would be handed over."""
        shown: dict[str, Any] = {"url": self.url, "asset_type": self.asset_type}
        if self.file is not None:
            shown = {
                "path": str(self.file.path),
                "size_bytes": self.file.size_bytes,
                "sha256": await _sha256(self.file.path),
                "asset_type": self.asset_type,
            }
        if self.transcript is not None:
            shown["transcript"] = {
                "path": str(self.transcript.path),
                "sha256": await _sha256(self.transcript.path),
            }
        return shown


class Uploads:
    """The files of one plan; the same file is handed over once."""

    def __init__(self) -> None:
        self._ids: dict[Upload, str] = {}

    def add(self, upload: Upload) -> str:
        """The stand-in id of a file."""
        return self._ids.setdefault(upload, f"{STAND_IN}{len(self._ids)}")

    def by_id(self) -> dict[str, Upload]:
        """Stand-in id -> file."""
        return {stand_in: upload for upload, stand_in in self._ids.items()}


def replaced(value: Any, ids: Mapping[str, Any]) -> Any:
    """A JSON value with every stand-in id in it exchanged for what `ids` has for it."""
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, dict):
        entries = cast(dict[str, Any], value)
        return {key: replaced(inner, ids) for key, inner in entries.items()}
    if isinstance(value, list):
        return [replaced(inner, ids) for inner in cast(list[Any], value)]
    return value


async def _sha256(path: Path) -> str:
    def digest() -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    try:
        return await anyio.to_thread.run_sync(digest)
    except OSError as error:
        fault = Fault("", f'"{path}" cannot be read: {error.strerror}.', "Check the file.")
        raise InvalidRequest([fault]) from error
