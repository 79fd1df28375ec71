"""Checking a tile's parameters against its model, in words that help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError
from pydantic.config import JsonDict

from mosaic_mcp.contract.errors import faults_of, place
from mosaic_mcp.contract.node_types import AgentNode
from mosaic_mcp.contract.tiles.base import Params, guessed, inferred
from mosaic_mcp.contract.tiles.catalogue import TileType, tile_type
from mosaic_mcp.contract.words import listed, nearest
from mosaic_mcp.errors import Fault, InvalidRequest

_BOUNDS = frozenset(
    {
        "greater_than_equal",
        "less_than_equal",
        "string_pattern_mismatch",
        "string_too_long",
        "too_long",
    }
)
"""Pydantic's names of what a value is that lies beyond our bounds."""

RULE = "Invalid parameter types/values return 400 (update_params validation behavior)"


def check_params(
    tile: TileType,
    params: Mapping[str, Any],
    where: str,
    *,
    complete: bool = True,
    hosted: bool = False,
) -> list[Fault]:
    """Faults of `params` for this tile, each placed below `where`.

    A tile whose parameters are not public takes any: the engine that knows them decides. With
    `complete` False what is missing may still come: a saved agent gets its prompt at run time.
    With `hosted` what no page of Mosaic says is left to Mosaic: whatever stands under a name that
    is `inferred`, values beyond bounds of ours, and where its page may have more of them, names
    that we do not know. A name that Mosaic does not have is a fault.
    """
    if tile.params is None:
        return []
    if hosted and (only_ours := _ours(tile, params)):
        what = "is a parameter of the local studio, which Mosaic does not have."
        return [Fault(f"{where}.{name}", what, instead) for name, instead in only_ours.items()]
    try:
        model = tile.params.model_validate(dict(params))
    except ValidationError as error:
        names = list(tile.params.model_fields)
        found = error.errors(include_url=False)
        # A value of several forms has an error for each of them.
        passing = {raw["loc"][:1] for raw in found if hosted and _mosaics(raw, tile)}
        faults: dict[str, Fault] = {}
        for raw in found:
            if raw["loc"][:1] not in passing and (complete or raw["type"] != "missing"):
                fault = _placed(raw, tile, names, where)
                faults.setdefault(fault.where, fault)
        return list(faults.values())
    clashes = model.together() if complete else []
    if hosted and not tile.documented:
        clashes = [c for c in clashes if all(name in params for name in c.between)]
    return [Fault(f"{where}.{clash.where}", clash.what, "", RULE) for clash in clashes]


def _mosaics(raw: Any, tile: TileType) -> bool:
    """True where only Mosaic knows whether it is a fault."""
    name = str(raw["loc"][0]) if raw["loc"] else ""
    field = tile.params.model_fields.get(name) if tile.params else None
    if field is None:
        return not tile.documented
    mark = field.json_schema_extra
    ours = raw["type"] in _BOUNDS and (not tile.documented or mark == guessed())
    return ours or mark == inferred()


def _ours(tile: TileType, params: Mapping[str, Any]) -> dict[str, str]:
    """Those of the names that only the studio has -> what to do on the hosted engine."""
    fields = tile.params.model_fields if tile.params else {}
    marked = {n: fields[n].json_schema_extra for n in params if n in fields}
    told = {n: cast(JsonDict, m).get("ours") for n, m in marked.items() if isinstance(m, dict)}
    return {n: str(instead) for n, instead in told.items() if instead}


def unconfirmed(tile: TileType, params: Mapping[str, Any]) -> list[str]:
    """Those of the names that no public page of Mosaic confirms for this tile."""
    fields = tile.params.model_fields if tile.params else {}
    return [
        name
        for name in params
        if name not in fields or fields[name].json_schema_extra == inferred()
    ]


def _placed(raw: Any, tile: TileType, names: list[str], where: str) -> Fault:
    name = str(raw["loc"][0]) if raw["loc"] else ""
    inner = _inside(raw["loc"][1:])
    at = f"{where}.{name}{inner}" if name else where
    if raw["type"] == "extra_forbidden" and not inner:
        known = listed(names, 20) if names else "none"
        remedy = f"{nearest(name, names)}Its parameters: {known}."
        return Fault(at, f"{tile.name} has no parameter {name!r}.", remedy, RULE)
    fault = faults_of([raw])[0]
    got = "" if raw["type"] == "missing" else f" Got {raw.get('input')!r:.60}."
    return Fault(at, f"{fault.what}{got}", fault.remedy, RULE)


def _inside(loc: Sequence[str | int]) -> str:
    """`[2].end_ms`: the place in a list of a parameter; the branches of a union have none."""
    index = next((i for i, part in enumerate(loc) if isinstance(part, int)), len(loc))
    return place(loc[index:])


def merged_params(node: AgentNode, update: Mapping[str, Any]) -> Params | dict[str, Any]:
    """The node's saved parameters with a run's changes, as the tile's model.

    A tile without a public model gives the plain dictionary. Raises InvalidRequest.
    """
    merged = {**node.params_used, **update}
    tile = tile_type(node.node_type.node_type_id)
    if tile is None or tile.params is None:
        return merged
    faults = check_params(tile, merged, f"update_params.{node.agent_node_id}")
    if faults:
        raise InvalidRequest(faults)
    return tile.params.model_validate(merged)
