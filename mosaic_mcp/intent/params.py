"""`params`: parameters for nodes by name become update_params; files are marked for upload."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, cast

from mosaic_mcp.contract.params import unconfirmed
from mosaic_mcp.contract.tiles.catalogue import TileType
from mosaic_mcp.contract.tiles.params import ASSET_LISTS, ASSET_PARAMS
from mosaic_mcp.contract.uploads import AssetType
from mosaic_mcp.contract.words import listed
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.intent.files import PICTURES, readable_file
from mosaic_mcp.intent.names import NodeNames
from mosaic_mcp.intent.sources import parse_source
from mosaic_mcp.intent.uploads import Upload, Uploads
from mosaic_mcp.settings import Settings


def update_params(
    params: Mapping[str, Mapping[str, Any]],
    names: NodeNames,
    uploads: Uploads,
    settings: Settings,
    faults: list[Fault],
) -> dict[str, dict[str, Any]]:
    """Node id -> parameters. What cannot be placed is added to `faults`, and stays
    as it was said; values are not checked.
    """
    update: dict[str, dict[str, Any]] = {}
    for said, values in params.items():
        where = f"params.{said}"
        node = names.find(said, where)
        if isinstance(node, Fault):
            faults.append(node)
            continue
        if node in update:
            label = names.labels[node]
            faults.append(Fault(where, f"names {label!r} a second time.", "Join the two."))
            continue
        update[node] = {**values}
        for name, value in values.items():
            try:
                update[node][name] = _asset(name, value, f"{where}.{name}", uploads, settings)
            except InvalidRequest as error:
                faults += error.faults
    return update


def _asset(name: str, value: Any, where: str, uploads: Uploads, settings: Settings) -> Any:
    """The value; for an asset parameter given as a path or an address, its stand-in id."""
    if name in ASSET_LISTS and isinstance(value, list):
        clips = cast("list[Any]", value)
        return [
            _uploaded(clip, _kind_of(clip), f"{where}[{index}]", uploads, settings)
            for index, clip in enumerate(clips)
        ]
    kind = ASSET_PARAMS.get(name)
    return value if kind is None else _uploaded(value, kind, where, uploads, settings)


def _kind_of(clip: Any) -> AssetType:
    """What a path or address seems to be by its name; the engine finds out what it is."""
    pictured = isinstance(clip, str) and PurePath(clip).suffix.lower() in PICTURES
    return "image" if pictured else "video"


def _uploaded(value: Any, kind: AssetType, where: str, uploads: Uploads, settings: Settings) -> Any:
    if not isinstance(value, str):
        return value
    source = parse_source(value, where)
    match source.kind:
        case "id" | "video":
            return source.value
        case "url":
            return uploads.add(Upload(kind, url=source.value))
        case "file":
            return uploads.add(Upload(kind, readable_file(source.value, settings, kind, where)))
        case _:
            raise InvalidRequest(
                [
                    Fault(
                        where,
                        f"takes {kind} files only, not {value!r}.",
                        "Give a path, an address or the id of an upload.",
                    )
                ]
            )


def unconfirmed_warnings(
    given: Iterable[tuple[str, TileType | None, Mapping[str, Any]]],
) -> Iterator[str]:
    """Warnings about parameters (of labelled nodes) that reach the hosted engine unchecked."""
    for label, tile, values in given:
        doubtful = unconfirmed(tile, values) if tile is not None else list(values)
        if doubtful:
            yield (
                f"{label}: Mosaic's public pages do not confirm {listed(doubtful)}; "
                "the hosted engine may refuse it."
            )
