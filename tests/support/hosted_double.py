"""A stand-in for the hosted API that knows only what Mosaic's pages say.

It starts from the pages' own JSON (tests/golden), answers with the contract's models, and is
strict: a missing key, an unknown field, query or path, a body where none belongs or an upload form
in the wrong order is refused. It has no /studio/v1 and knows no idempotency keys.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from socket import SOMAXCONN, create_server
from typing import Any

import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mosaic_mcp.contract.account import WhoAmI
from mosaic_mcp.contract.agents import (
    AgentChanged,
    AgentDeleted,
    AgentDetail,
    AgentHead,
    AgentList,
    CreateAgent,
    DuplicateAgent,
    UpdateAgent,
)
from mosaic_mcp.contract.base import ErrorBody
from mosaic_mcp.contract.builtin import BUILTIN_AGENTS
from mosaic_mcp.contract.credits import (
    Credits,
    CreditSettings,
    CreditSettingsSaved,
    Plan,
    PlanList,
    PlanUpgraded,
    UpgradePlan,
)
from mosaic_mcp.contract.editing import apply_operations
from mosaic_mcp.contract.errors import error_response, faults_of
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.node_types import AgentNodeAnswer, NodeTypeAnswer, NodeTypes
from mosaic_mcp.contract.rules import check_run, parse_run
from mosaic_mcp.contract.runs import (
    AgentRun,
    NodeErrors,
    NodeStatus,
    NodeStatusCounts,
    RunCancelled,
    RunInput,
    RunList,
    RunNode,
    RunNodes,
    RunOutput,
    RunRequest,
    RunResumed,
    RunStarted,
    RunStatus,
    RunSummary,
)
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES
from mosaic_mcp.contract.uploads import FinalizeUpload, UploadTicket, ViewUrl, ViewUrlRequest
from mosaic_mcp.errors import Conflict, InvalidRequest, MosaicError, NotFound, Unauthorized
from mosaic_mcp.errors import Fault as Wrong
from tests.support.hosted_account import HostedAccount
from tests.support.hosted_faults import Fault, Faulty, Seen
from tests.support.hosted_state import STOPPED, Ending, HostedRun, Upload, file_content, thumbnail

GOLDEN = Path(__file__).parents[1] / "golden"
KEY = "mk_double_4f1c"
MAX_BYTES = {"video": 5_368_709_120, "audio": 524_288_000, "image": 52_428_800}


def golden(name: str) -> Any:
    """A fixture: `docs/agent`, `get_agent_run/completed`."""
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


class HostedDouble:
    """The state and the endpoints."""

    def __init__(self) -> None:
        self.url = ""
        self.app = Faulty(Starlette(routes=self._routes()))
        self.reset()

    def reset(self) -> None:
        """Forget everything, as if newly started."""
        self.app.faults, self.app.seen = [], []
        self.ending = Ending()
        self.resumed = Ending()
        """How runs go on after a resume."""
        self.ahead_s = 0.0
        """How far this server's clock is ahead."""
        self.max_bytes = dict(MAX_BYTES)
        self.links = 0
        """Raised to let every link end that was given before."""
        agents = (AgentDetail.model_validate(golden("docs/agent")), *BUILTIN_AGENTS)
        self.agents = {detail.agent.id: detail for detail in agents}
        self.runs: dict[str, HostedRun] = {}
        self.uploads: dict[str, Upload] = {}
        self.account = HostedAccount()

    @property
    def seen(self) -> list[Seen]:
        return self.app.seen

    def calls(self, method: str, path: str) -> int:
        """How many requests of that method had a path ending so."""
        return sum(s.method == method and s.path.endswith(path) for s in self.seen)

    def fail(self, kind: Any, path: str = "", **more: Any) -> None:
        """Let the next matching requests fail; see `Fault`."""
        self.app.faults.append(Fault(kind, path, **more))

    def hold(self, path: str) -> threading.Event:
        """Let no matching request be answered until the event is set."""
        until = threading.Event()
        self.fail("held", path, times=100, until=until)
        return until

    def _routes(self) -> list[Route]:
        api = [
            ("GET", "/whoami", self.whoami),
            ("GET", "/credits", self.credits),
            ("POST", "/credits/settings", self.credit_settings),
            ("GET", "/plan", self.plan),
            ("GET", "/plan/list", self.plan_list),
            ("POST", "/plan/upgrade", self.upgrade_plan),
            ("GET", "/node_types", self.node_types),
            ("GET", "/node_type/{id}", self.node_type),
            ("GET", "/agent_nodes/{id}", self.agent_node),
            ("GET", "/agents", self.list_agents),
            ("POST", "/agent/create", self.create_agent),
            ("GET", "/agent/{id}", self.get_agent),
            ("POST", "/agent/{id}/update", self.update_agent),
            ("POST", "/agent/{id}/duplicate", self.duplicate_agent),
            ("POST", "/agent/{id}/delete", self.delete_agent),
            ("POST", "/agent/{id}/run", self.run_agent),
            ("GET", "/agent/{id}/runs", self.list_runs),
            ("GET", "/agent_runs", self.list_runs),
            ("GET", "/agent_run/{id}", self.get_run),
            ("GET", "/agent_run/{id}/nodes", self.run_nodes),
            ("POST", "/agent_run/{id}/resume", self.resume),
            ("POST", "/agent_run/{id}/cancel", self.cancel),
            ("POST", "/uploads/get_view_url", self.view_url),
            ("POST", "/uploads/{kind}/get_upload_url", self.get_upload_url),
            ("POST", "/uploads/{kind}/finalize_upload", self.finalize_upload),
        ]
        store = [
            Route("/store/uploads", self.store_upload, methods=["POST"]),
            Route("/store/{id}.{suffix}", self.store_file, methods=["GET"]),
        ]
        return store + [Route(p, self._endpoint(e), methods=[m]) for m, p, e in api]

    def _endpoint(self, work: Callable[[Request, bytes], BaseModel]) -> Any:
        async def answer(request: Request) -> Response:
            try:
                if request.headers.get("authorization") != f"Bearer {KEY}":
                    raise Unauthorized("Invalid API key")
                status, body = 200, work(request, await request.body())
            except ValidationError as error:
                status, body = error_response(InvalidRequest(faults_of(error.errors())))
            except MosaicError as error:
                status, body = error_response(error)
            headers = {"date": formatdate(self.now(), usegmt=True)}
            # Unset stays out, as on the pages; None that was set is null.
            unset = not isinstance(body, ErrorBody)
            return JSONResponse(
                body.model_dump(mode="json", exclude_unset=unset), status, headers=headers
            )

        return answer

    def now(self) -> float:
        return time.time() + self.ahead_s

    # Identity, tiles, agents

    def whoami(self, request: Request, body: bytes) -> WhoAmI:
        _nothing(request, body)
        return WhoAmI.model_validate(golden("docs/whoami"))

    def credits(self, request: Request, body: bytes) -> Credits:
        _nothing(request, body)
        return self.account.get_credits()

    def credit_settings(self, request: Request, body: bytes) -> CreditSettingsSaved:
        return self.account.set_topup(CreditSettings.model_validate_json(body))

    def plan(self, request: Request, body: bytes) -> Plan:
        _nothing(request, body)
        return self.account.get_plan()

    def plan_list(self, request: Request, body: bytes) -> PlanList:
        _nothing(request, body)
        return self.account.offers

    def upgrade_plan(self, request: Request, body: bytes) -> PlanUpgraded:
        return self.account.upgrade(UpgradePlan.model_validate_json(body))

    def node_types(self, request: Request, body: bytes) -> NodeTypes:
        _nothing(request, body)
        return NodeTypes(node_types=tuple(tile.node_type() for tile in TILE_TYPES))

    def node_type(self, request: Request, body: bytes) -> NodeTypeAnswer:
        _nothing(request, body)
        types = {tile.node_type_id: tile.node_type() for tile in TILE_TYPES}
        return NodeTypeAnswer(node_type=_known(types, request))

    def agent_node(self, request: Request, body: bytes) -> AgentNodeAnswer:
        _nothing(request, body)
        nodes = {n.agent_node_id: n for a in self.agents.values() for n in a.agent_nodes}
        return AgentNodeAnswer(agent_node=_known(nodes, request))

    def list_agents(self, request: Request, body: bytes) -> AgentList:
        _nothing(request, body, "limit", "cursor")
        heads = [detail.agent for detail in self.agents.values()]
        page, cursor = _page(request, heads)
        return AgentList(agents=tuple(page), next_cursor=cursor)

    def get_agent(self, request: Request, body: bytes) -> AgentDetail:
        _nothing(request, body)
        return _known(self.agents, request)

    def create_agent(self, request: Request, body: bytes) -> AgentChanged:
        made = CreateAgent.model_validate_json(body or b"{}")
        head = AgentHead(
            id=str(uuid.uuid4()),
            name=made.name,
            description=made.description,
            visibility=made.visibility,
            created_at=self._moment(),
            updated_at=self._moment(),
        )
        self.agents[head.id] = AgentDetail(agent=head, agent_nodes=(), connections=())
        return AgentChanged(success=True, agent_id=head.id, operations_applied=0, created_nodes=())

    def update_agent(self, request: Request, body: bytes) -> AgentChanged:
        detail = _known(self.agents, request)
        update = UpdateAgent.model_validate_json(body)
        changed, created = apply_operations(detail, update.operations, lambda: str(uuid.uuid4()))
        said = update.model_dump(exclude={"operations"}, exclude_none=True)
        head = detail.agent.model_copy(update={**said, "updated_at": self._moment()})
        self.agents[head.id] = changed.model_copy(update={"agent": head})
        return AgentChanged(
            success=True,
            agent_id=head.id,
            operations_applied=len(update.operations),
            created_nodes=tuple(created),
        )

    def duplicate_agent(self, request: Request, body: bytes) -> AgentDetail:
        detail = _known(self.agents, request)
        said = DuplicateAgent.model_validate_json(body or b"{}").model_dump(exclude_none=True)
        name = {"name": f"Copy of {detail.agent.name}"}
        head = detail.agent.model_copy(update={**name, **said, "id": str(uuid.uuid4())})
        self.agents[head.id] = detail.model_copy(update={"agent": head})
        return self.agents[head.id]

    def delete_agent(self, request: Request, body: bytes) -> AgentDeleted:
        _nothing(request, body)
        agent_id = _known(self.agents, request).agent.id
        del self.agents[agent_id]
        return AgentDeleted(success=True, agent_id=agent_id, message="Agent deleted successfully")

    # Runs

    def run_agent(self, request: Request, body: bytes) -> RunStarted:
        detail = _known(self.agents, request)
        if request.query_params:
            raise InvalidRequest([Wrong("query", "Run Agent has no query parameters.")])
        wish = parse_run(body)
        if faults := check_run(wish, Graph.of(detail)):
            raise InvalidRequest(faults)
        self._check_ids(wish)
        run = self.add_run(detail, wish)
        return RunStarted(run_id=run.id)

    def add_run(self, detail: AgentDetail, wish: RunRequest, **more: Any) -> HostedRun:
        """A run, as if somebody had started it."""
        run = HostedRun(str(uuid.uuid4()), detail, wish, self._moment(), self.ending, **more)
        self.runs[run.id] = run
        return run

    def _check_ids(self, wish: RunRequest) -> None:
        renders = {o for run in self.runs.values() for o in run.output_ids}
        for entry in (wish, *wish.video_inputs):
            videos = {*entry.video_ids, *(i.id for i in entry.video_id_inputs)}
            chained = {*entry.node_render_ids, *(i.id for i in entry.node_render_inputs)}
            ready = {u.id for u in self.uploads.values() if u.final}
            for unknown in (videos - ready) | (chained - renders):
                raise NotFound(f"{unknown} not found")

    def get_run(self, request: Request, body: bytes) -> AgentRun:
        _nothing(request, body)
        run = _known(self.runs, request)
        run.looks += 1
        summary = self._summary(run)
        failed = run.ended and run.ending.errors
        errors = NodeErrors(original_node_id=run.nodes[-1], messages=run.ending.errors)
        return AgentRun(
            agent_id=run.agent.agent.id,
            started_at=run.started_at,
            status=summary.status,
            status_message=summary.status_message,
            needs_credits=run.ended and run.ending.needs_credits,
            errors=(errors,) if failed else (),
            node_status_counts=summary.node_status_counts,
            inputs=summary.inputs,
            outputs=summary.outputs,
        )

    def run_nodes(self, request: Request, body: bytes) -> RunNodes:
        _nothing(request, body)
        run = _known(self.runs, request)
        nodes = {n.agent_node_id: n for n in run.agent.agent_nodes}
        return RunNodes(
            run_id=run.id,
            nodes=tuple(
                RunNode(
                    agent_node_id=str(uuid.uuid5(uuid.UUID(run.id), node_id)),
                    original_node_id=node_id,
                    status=(status := run.node_status(node_id)),
                    status_message=run.ending.message if status in STOPPED else None,
                    errors=run.ending.errors if status in STOPPED else (),
                    node_type=nodes[node_id].node_type,
                    needs_credits=status is NodeStatus.blocked,
                )
                for node_id in run.nodes
            ),
        )

    def resume(self, request: Request, body: bytes) -> RunResumed:
        _nothing(request, body)
        run = _known(self.runs, request)
        if run.status not in (RunStatus.failed, RunStatus.cancelled):
            raise Conflict("Run status must be failed or cancelled")
        run.cancelled, run.ending, run.looks = False, self.resumed, 0
        zero = {name: 0 for name in golden("docs/run_resumed") if name.startswith("requeued")}
        return RunResumed(
            success=True,
            run_id=run.id,
            agent_state_id=run.id,
            nodes_queued=1,
            nodes_considered=len(run.nodes),
            **zero,
        )

    def cancel(self, request: Request, body: bytes) -> RunCancelled:
        _nothing(request, body)
        run = _known(self.runs, request)
        run.cancelled = True
        return RunCancelled.model_validate(golden("docs/run_cancelled") | {"run_id": run.id})

    def list_runs(self, request: Request, body: bytes) -> RunList:
        agent_id = request.path_params.get("id") or request.query_params.get("agent_id")
        _nothing(request, body, "limit", "cursor", "status", "from", "to", "agent_id")
        said = request.query_params
        statuses = said["status"].split(",") if "status" in said else list(RunStatus)
        first = datetime.fromisoformat(said["from"]) if "from" in said else datetime.min
        last = datetime.fromisoformat(said["to"]) if "to" in said else datetime.max
        found = [
            self._summary(run)
            for run in reversed(self.runs.values())
            if agent_id in (None, run.agent.agent.id)
            and run.status in statuses
            and first.replace(tzinfo=UTC) <= run.started_at <= last.replace(tzinfo=UTC)
        ]
        page, cursor = _page(request, found)
        return RunList(runs=tuple(page), next_cursor=cursor)

    def _summary(self, run: HostedRun) -> RunSummary:
        while run.ended and not run.cancelled and len(run.output_ids) < run.ending.outputs:
            run.output_ids.append(str(uuid.uuid4()))
        states = [run.node_status(node) for node in run.nodes]
        done = sum(s in (NodeStatus.completed, NodeStatus.partial_complete) for s in states)
        going = sum(s is NodeStatus.running for s in states)
        counts = {"completed": done, "in_progress": going, "failed": len(states) - done - going}
        return RunSummary(
            run_id=run.id,
            agent_id=run.agent.agent.id,
            status=run.status,
            status_message=run.ending.message if run.ended else None,
            started_at=run.started_at,
            updated_at=run.started_at,
            node_status_counts=NodeStatusCounts(**counts),
            inputs=(RunInput(video_url=self._link("input.mp4"), thumbnail_url=None),)
            * run.request.count_all,
            outputs=tuple(self._output(run, output_id) for output_id in run.output_ids),
            triggered_by=run.triggered_by,
        )

    def _output(self, run: HostedRun, output_id: str) -> RunOutput:
        shape = golden("get_agent_run/completed")["outputs"][0]
        ours = {
            "id": output_id,
            "video_url": self._link(f"{output_id}.mp4"),
            "thumbnail_url": self._link(f"{output_id}.jpg"),
            "premiere_prproj_url": self._link(f"{output_id}.zip"),
            "completed_at": self._moment(),
            "original_node_id": Graph.of(run.agent).output_nodes[0],
        }
        assert shape.keys() == ours.keys(), "an output has the fields of the page, all of them"
        return RunOutput(**ours)

    # Assets

    def get_upload_url(self, request: Request, body: bytes) -> UploadTicket:
        _nothing(request, body)
        kind = request.path_params["kind"]
        if kind not in MAX_BYTES:
            raise NotFound(f"{kind} not found")
        upload = Upload(str(uuid.uuid4()), kind)
        self.uploads[upload.id] = upload
        return UploadTicket.model_validate(
            {
                f"{kind}_id": upload.id,
                "upload_url": f"{self.url}/store/uploads",
                "upload_fields": {"key": upload.id, "policy": "p", "x-goog-signature": "s"},
                "max_file_size_bytes": self.max_bytes[kind],
            }
        )

    def finalize_upload(self, request: Request, body: bytes) -> FinalizeUpload:
        said = FinalizeUpload.model_validate_json(body)
        asset_id = getattr(said, f"{request.path_params['kind']}_id")
        if asset_id not in self.uploads:
            raise NotFound("Upload not found or expired")
        if self.uploads[asset_id].content is None:
            raise InvalidRequest([Wrong("", "File not uploaded")])
        self.uploads[asset_id].final = True
        return said

    def view_url(self, request: Request, body: bytes) -> ViewUrl:
        said = ViewUrlRequest.model_validate_json(body)
        upload = self.uploads.get(said.asset_id)
        if upload is None or not upload.final or upload.asset_type != said.asset_type:
            raise NotFound("Asset not found")
        return ViewUrl(
            asset_type=said.asset_type,
            asset_id=said.asset_id,
            signed_url=self._link(f"{said.asset_id}.mp4"),
            thumbnail_url=None,
        )

    async def store_upload(self, request: Request) -> Response:
        """The object store: no key, a declared length, every field first and `file` last."""
        async with request.form() as form:
            names = [name for name, _ in form.multi_items()]
            if "authorization" in request.headers or "content-length" not in request.headers:
                return Response("<Error><Code>InvalidRequest</Code></Error>", 400)
            if names != ["key", "policy", "x-goog-signature", "file"]:
                return Response("<Error><Code>InvalidPolicyDocument</Code></Error>", 400)
            upload = self.uploads[str(form["key"])]
            file = form["file"]
            assert not isinstance(file, str)
            upload.content, upload.name = await file.read(), file.filename or ""
        return Response(status_code=204)

    async def store_file(self, request: Request) -> Response:
        """A file behind a signed link; continues where it is asked to."""
        if request.query_params.get("sig") != str(self.links):
            return Response("<Error><Code>ExpiredToken</Code></Error>", 400)
        name = f"{request.path_params['id']}.{request.path_params['suffix']}"
        if name.endswith(".jpg"):
            return Response(thumbnail(), media_type="image/jpeg")
        content = file_content(request.path_params["id"])
        headers = {"etag": f'"{request.path_params["id"]}"'}
        asked = request.headers.get("range")
        if asked is None or request.headers.get("if-range", headers["etag"]) != headers["etag"]:
            return Response(content, 200, headers, "video/mp4")
        first, _, last = asked.removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last or len(content)), len(content) - 1)
        if begin >= len(content):
            return Response(status_code=416)
        headers["content-range"] = f"bytes {begin}-{end}/{len(content)}"
        return Response(content[begin : end + 1], 206, headers, "video/mp4")

    def _link(self, name: str) -> str:
        made = datetime.fromtimestamp(self.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        return f"{self.url}/store/{name}?X-Goog-Date={made}&X-Goog-Expires=604800&sig={self.links}"

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC)


def _known(things: Any, request: Request, name: str = "id") -> Any:
    try:
        return things[request.path_params[name]]
    except KeyError:
        raise NotFound(f"{request.path_params[name]} not found") from None


def _nothing(request: Request, body: bytes, *queries: str) -> None:
    """Refuse a body, and queries other than these."""
    if body or (unknown := set(request.query_params) - set(queries)):
        what = "a body" if body else ", ".join(sorted(unknown))
        raise InvalidRequest([Wrong("", f"this endpoint does not take {what}.")])


def _page(request: Request, items: list[Any]) -> tuple[list[Any], str | None]:
    limit = int(request.query_params.get("limit", 25))
    if not 1 <= limit <= 100:
        raise InvalidRequest([Wrong("limit", "must be 1 to 100.")])
    start = int(request.query_params.get("cursor", "at-0").removeprefix("at-"))
    more = start + limit < len(items)
    return items[start : start + limit], f"at-{start + limit}" if more else None


@contextmanager
def hosted_double() -> Generator[HostedDouble]:
    """A double that serves on loopback, from a thread of its own."""
    double = HostedDouble()
    # Connections queue up from here on, so nobody has to wait for the server's start.
    listener = create_server(("127.0.0.1", 0), backlog=SOMAXCONN)
    double.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        double.app, log_config=None, log_level="critical", lifespan="off", ws="none",
        date_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield double
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
