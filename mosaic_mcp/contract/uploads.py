"""Uploads: get_upload_url, multipart POST, finalize_upload; and links to look at assets.

Source: docs.mosaic.so/api/asset-management/upload-flow.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mosaic_mcp.contract.base import Id, Request, Response

AssetType = Literal["video", "audio", "image"]


class UploadTicket(Response):
    """The answer of POST /uploads/{type}/get_upload_url; exactly one id is set."""

    video_id: str | None = None
    audio_id: str | None = None
    image_id: str | None = None
    upload_url: str
    upload_fields: dict[str, str] = Field(default_factory=dict[str, str])
    max_file_size_bytes: int

    @property
    def asset_id(self) -> str:
        """The id of whichever kind this is."""
        return self.video_id or self.audio_id or self.image_id or ""


class FinalizeUpload(Request):
    """The body and the answer of POST /uploads/{type}/finalize_upload: the one id."""

    video_id: Id | None = None
    audio_id: Id | None = None
    image_id: Id | None = None


class ViewUrlRequest(Request):
    """The body of POST /uploads/get_view_url."""

    asset_type: AssetType
    asset_id: Id


class ViewUrl(Response):
    """A short-lived link to look at an asset."""

    asset_type: AssetType
    asset_id: str
    signed_url: str
    thumbnail_url: str | None = None
