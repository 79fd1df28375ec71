"""The rules of Run Agent, each with the sentence of the page that it comes from.

`check_run` reports all faults of a request at once. It needs the agent's graph and nothing else,
so the client checks before it uploads and the studio checks again before a run exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from mosaic_mcp.contract.errors import NOT_A_FIELD, faults_of
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.input_rules import check_inputs, is_http, known
from mosaic_mcp.contract.moments import check_moments
from mosaic_mcp.contract.params import check_params
from mosaic_mcp.contract.run_page import Rule
from mosaic_mcp.contract.runs import MimirAsset, RunRequest, VideoInputEntry, VideoUrlInput
from mosaic_mcp.contract.words import nearest
from mosaic_mcp.errors import Fault, InvalidRequest


def parse_run(body: object) -> RunRequest:
    """The request in a JSON body; raises InvalidRequest with every fault of its shape."""
    try:
        return (
            RunRequest.model_validate_json(body)
            if isinstance(body, str | bytes)
            else RunRequest.model_validate(body)
        )
    except ValidationError as error:
        faults = faults_of(error.errors(include_url=False))
        raise InvalidRequest([_with_nearest_field(fault) for fault in faults]) from error


_FIELDS = tuple(
    name
    for model in (RunRequest, VideoInputEntry, VideoUrlInput, MimirAsset)
    for name in model.model_fields
)


def _with_nearest_field(fault: Fault) -> Fault:
    if fault.what != NOT_A_FIELD:
        return fault
    guess = nearest(fault.where.rpartition(".")[2], _FIELDS)
    return replace(fault, remedy=f"{guess}{fault.remedy}")


def check_run(
    request: RunRequest, graph: Graph, *, mimir_connected: bool = False, hosted: bool = False
) -> list[Fault]:
    """All faults of a run request for an agent's (template) graph; empty when it may run.

    With `hosted` Mosaic itself has the last word: what only Mosaic knows (its Mimir connection,
    parameters that are not public, what is saved in its agents) is no fault here.
    """
    faults = [*_ignored(request, graph)]
    runnable = graph.runnable(request.ignore_nodes)
    faults += check_inputs(request, runnable, mimir=mimir_connected or hosted)
    faults += _update_keys(request.update_params, graph, runnable)
    faults += _params(request.update_params, runnable, hosted=hosted)
    faults += check_moments(request, runnable)
    if request.callback_url is not None and not is_http(request.callback_url):
        faults.append(
            Fault(
                "callback_url",
                "is not an http or https address.",
                "Give the address of your webhook, as https://example.com/hook.",
                Rule.callback,
            )
        )
    return faults


def _ignored(request: RunRequest, graph: Graph) -> Iterator[Fault]:
    labels = graph.labels()
    for index, node in enumerate(request.ignore_nodes):
        where = f"ignore_nodes[{index}]"
        if node not in graph.nodes:
            yield Fault(
                where,
                f"There is no node {node!r} in this agent.",
                f"{nearest(node, list(graph.nodes))}Its nodes: {known(graph)}.",
                Rule.ignored,
            )
        elif node in graph.sources:
            brings = node in graph.video_inputs
            is_source = "is where the videos come in" if brings else "makes its own videos"
            yield Fault(
                where,
                f"{labels[node]} {is_source}; without it nothing can run.",
                "Ignore other nodes, or run an agent without it.",
                Rule.ignored,
            )


def _update_keys(
    update: Mapping[str, Mapping[str, Any]], graph: Graph, runnable: Graph
) -> Iterator[Fault]:
    labels = graph.labels()
    for node in update:
        where = f"update_params.{node}"
        if node not in graph.nodes:
            yield Fault(
                where,
                "There is no such node in this agent.",
                f"{nearest(node, list(graph.nodes))}Its nodes: {known(graph)}.",
                Rule.unknown_node,
            )
        elif (tile := graph.tile(node)) is not None and tile.protected:
            yield Fault(
                where,
                f"{labels[node]} is a protected node.",
                "Its parameters cannot be changed for a run.",
                Rule.protected,
            )
        elif node not in runnable.nodes:
            yield Fault(
                where,
                f"{labels[node]} takes no part in this run: it is ignored, or nothing leads to it.",
                "Remove it from ignore_nodes or from update_params.",
                Rule.runnable,
            )


def _params(
    update: Mapping[str, Mapping[str, Any]], runnable: Graph, *, hosted: bool
) -> Iterator[Fault]:
    """Faults of every node's parameters as they would run: the saved ones with the changes."""
    for node in runnable.order:
        tile = runnable.tile(node)
        if tile is None or tile.protected:
            continue
        changes, place = update.get(node, {}), f"update_params.{node}"
        saved = runnable.nodes[node].params_used
        # What Mosaic has saved is not ours to judge: only what the changes make of it.
        known = check_params(tile, saved, place, hosted=True) if hosted else []
        for fault in check_params(tile, {**saved, **changes}, place, hosted=hosted):
            if _parameter(fault.where, node) in changes or (hosted and fault not in known):
                yield fault
            elif not hosted:
                what = f"as saved in the agent, {fault.what}"
                remedy = fault.remedy or "Give it in update_params, or save it in the agent."
                yield Fault(fault.where, what, remedy, fault.rule)


def _parameter(where: str, node: str) -> str:
    """`ranges` of `update_params.<node>.ranges[2].end_ms`."""
    return where.removeprefix(f"update_params.{node}.").partition("[")[0].partition(".")[0]
