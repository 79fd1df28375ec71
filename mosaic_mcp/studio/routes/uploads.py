"""Uploads in three steps, and links to look at assets (docs.mosaic.so/api/asset-management/)."""

from __future__ import annotations

from fastapi import APIRouter

from mosaic_mcp.contract.uploads import (
    AssetType,
    FinalizeUpload,
    UploadTicket,
    ViewUrl,
    ViewUrlRequest,
)
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.studio.intake import MAX_BYTES
from mosaic_mcp.studio.routes.dependencies import CallerDep, LinksDep, StudioDep

router = APIRouter(tags=["uploads"])


@router.post("/uploads/{asset_type}/get_upload_url", response_model_exclude_none=True)
async def get_upload_url(
    asset_type: AssetType, studio: StudioDep, caller: CallerDep, links: LinksDep
) -> UploadTicket:
    """Where to send a file, and the signed fields to send before it; good for one hour."""
    asset_id = await studio.intake.expect(caller.owner, asset_type)
    url, fields = links.upload(asset_type, asset_id, MAX_BYTES[asset_type])
    return UploadTicket.model_validate(
        {
            f"{asset_type}_id": asset_id,
            "upload_url": url,
            "upload_fields": fields,
            "max_file_size_bytes": MAX_BYTES[asset_type],
        }
    )


@router.post("/uploads/{asset_type}/finalize_upload", response_model_exclude_none=True)
async def finalize_upload(
    asset_type: AssetType, body: FinalizeUpload, studio: StudioDep, caller: CallerDep
) -> FinalizeUpload:
    """Check the uploaded file and make it usable as an input or a parameter."""
    sent = body.model_dump(exclude_none=True)
    wanted = f"{asset_type}_id"
    if set(sent) != {wanted}:
        fault = Fault("body", f"exactly {wanted} belongs here.", "Send the id of get_upload_url.")
        raise InvalidRequest([fault])
    await studio.intake.finalize(caller.owner, asset_type, sent[wanted])
    return body


@router.post("/uploads/get_view_url")
async def get_view_url(
    body: ViewUrlRequest, studio: StudioDep, caller: CallerDep, links: LinksDep
) -> ViewUrl:
    """Links to look at an asset for one hour."""
    source, _ = await studio.assets.file(caller.owner, body.asset_id)
    if source.kind != body.asset_type:
        fault = Fault("asset_type", f"this asset is of the type {source.kind}.")
        raise InvalidRequest([fault])
    seen = source.kind != "audio"
    return ViewUrl(
        asset_type=body.asset_type,
        asset_id=body.asset_id,
        signed_url=links.asset(body.asset_id),
        thumbnail_url=links.asset(body.asset_id, "thumbnail.jpg") if seen else None,
    )
