"""`MosaicClient`: the contract as methods, one for each endpoint, models in and out."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio

from mosaic_mcp.client.downloads import Within, fetch_picture, safe_name
from mosaic_mcp.client.extensions import StudioExtension
from mosaic_mcp.client.ledger import Ledger
from mosaic_mcp.client.transport import Clock, Sleep, Transport, part
from mosaic_mcp.client.uploads import Progress, upload_once
from mosaic_mcp.contract.account import WhoAmI
from mosaic_mcp.contract.agents import (
    AgentChanged,
    AgentDeleted,
    AgentDetail,
    AgentList,
    CreateAgent,
    DuplicateAgent,
    UpdateAgent,
)
from mosaic_mcp.contract.credits import (
    AutoTopupWish,
    Credits,
    CreditSettings,
    CreditSettingsSaved,
    CreditUsage,
    Plan,
    PlanList,
    PlanUpgraded,
    UpgradePlan,
)
from mosaic_mcp.contract.extensions import LINKS_HEADER, PREFIX, StudioInfo
from mosaic_mcp.contract.node_types import (
    AgentNode,
    AgentNodeAnswer,
    NodeType,
    NodeTypeAnswer,
    NodeTypes,
)
from mosaic_mcp.contract.runs import (
    AgentRun,
    RunCancelled,
    RunList,
    RunNodes,
    RunOutput,
    RunRequest,
    RunResumed,
    RunStarted,
)
from mosaic_mcp.contract.uploads import (
    AssetType,
    FinalizeUpload,
    UploadTicket,
    ViewUrl,
    ViewUrlRequest,
)
from mosaic_mcp.errors import Fault, Forbidden, InvalidRequest, NotFound, Unsupported
from mosaic_mcp.web.addresses import anywhere, public

Alive = Callable[[], Awaitable[bool]]


class MosaicClient:
    """A connection to one engine: the hosted API or a studio. The two look the same.

    `alive` tells whether the local studio behind it still runs; an engine elsewhere has none.
    `ledger` remembers what was uploaded, so that a repeated call sends no file twice. With
    `private_urls` links may lead into this machine's network. `headers` go with every request.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        ledger: Ledger | None = None,
        alive: Alive | None = None,
        private_urls: bool = False,
        headers: Mapping[str, str] | None = None,
        sleep: Sleep = anyio.sleep,
        clock: Clock = time.monotonic,
    ) -> None:
        self.transport = Transport(
            base_url, token, local=alive is not None, headers=headers, sleep=sleep, clock=clock
        )
        self.within = Within(self.transport.base_url, anywhere if private_urls else public)
        self.ledger = ledger
        self.sleep = sleep
        # The studio's address and token change; elsewhere, another key is another workspace.
        account = hashlib.sha256(token.encode()).hexdigest()[:12]
        self.engine = "studio" if alive is not None else f"{self.transport.base_url}#{account}"
        self._links_at = (headers or {}).get(LINKS_HEADER)
        self._alive = alive
        self._studio: StudioExtension | None = None
        self._probed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection; the engine goes on."""
        await self.transport.aclose()

    def reach(self, link: str) -> str:
        """A link of the engine as we reach it: those for whom we act for begin elsewhere."""
        rest = link.removeprefix(self._links_at) if self._links_at else link
        return link if rest == link else f"{self.transport.base_url}{rest}"

    async def alive(self) -> bool:
        """False when the studio behind this client has ended or was replaced."""
        return True if self._alive is None else await self._alive()

    async def studio(self) -> StudioExtension | None:
        """What the studio adds to the contract, or None on an engine without it. Asked once."""
        if not self._probed:
            self._studio = await self._probe()
            self._probed = True
        return self._studio

    async def _probe(self) -> StudioExtension | None:
        try:
            info = (await self.transport.get(PREFIX)).read(StudioInfo)
        except (NotFound, Forbidden, Unsupported):
            return None  # gateways answer unknown paths with any of 404, 403 and a web page
        return StudioExtension(self.transport, info)

    # Identity and tiles

    async def whoami(self) -> WhoAmI:
        """GET /whoami."""
        return (await self.transport.get("/whoami")).read(WhoAmI)

    async def node_types(self) -> NodeTypes:
        """GET /node_types."""
        return (await self.transport.get("/node_types")).read(NodeTypes)

    async def node_type(self, node_type_id: str) -> NodeType:
        """GET /node_type/{node_type_id}."""
        answer = await self.transport.get(f"/node_type/{part(node_type_id)}")
        return answer.read(NodeTypeAnswer).node_type

    async def agent_node(self, agent_node_id: str) -> AgentNode:
        """GET /agent_nodes/{agent_node_id}."""
        answer = await self.transport.get(f"/agent_nodes/{part(agent_node_id)}")
        return answer.read(AgentNodeAnswer).agent_node

    # Credits and plans

    async def get_credits(self) -> Credits:
        """GET /credits."""
        return (await self.transport.get("/credits")).read(Credits)

    async def get_credit_usage(self) -> CreditUsage:
        """GET /credits/usage, as the studio serves it; the hosted API's form is not public."""
        return (await self.transport.get("/credits/usage")).read(CreditUsage)

    async def set_credits(self, auto_topup: AutoTopupWish) -> AutoTopupWish:
        """POST /credits/settings; Forbidden without a plan."""
        body = CreditSettings(auto_topup=auto_topup).model_dump(mode="json")
        answer = await self.transport.post("/credits/settings", body, idempotent=True)
        return answer.read(CreditSettingsSaved).auto_topup

    async def get_plan(self) -> Plan:
        """GET /plan."""
        return (await self.transport.get("/plan")).read(Plan)

    async def list_plans(self) -> PlanList:
        """GET /plan/list."""
        return (await self.transport.get("/plan/list")).read(PlanList)

    async def upgrade_plan(self, request: UpgradePlan) -> PlanUpgraded:
        """POST /plan/upgrade. Sent once; raises OutcomeUnknown when no answer came."""
        body = request.model_dump(mode="json", exclude_none=True)
        return (await self.transport.post("/plan/upgrade", body)).read(PlanUpgraded)

    # Agents

    async def list_agents(self, *, limit: int = 25, cursor: str | None = None) -> AgentList:
        """GET /agents."""
        answer = await self.transport.get("/agents", query={"limit": limit, "cursor": cursor})
        return answer.read(AgentList)

    async def get_agent(self, agent_id: str) -> AgentDetail:
        """GET /agent/{agent_id}."""
        answer = await self.transport.get(f"/agent/{part(agent_id)}")
        return answer.read(AgentDetail)

    async def create_agent(self, request: CreateAgent) -> AgentChanged:
        """POST /agent/create."""
        body = request.model_dump(mode="json", exclude_none=True)
        answer = await self.transport.post("/agent/create", body)
        return answer.read(AgentChanged)

    async def update_agent(self, agent_id: str, request: UpdateAgent) -> AgentChanged:
        """POST /agent/{agent_id}/update."""
        body = request.model_dump(mode="json", exclude_none=True)
        answer = await self.transport.post(f"/agent/{part(agent_id)}/update", body)
        return answer.read(AgentChanged)

    async def duplicate_agent(self, agent_id: str, request: DuplicateAgent) -> AgentDetail:
        """POST /agent/{agent_id}/duplicate."""
        body = request.model_dump(mode="json", exclude_none=True)
        answer = await self.transport.post(f"/agent/{part(agent_id)}/duplicate", body)
        return answer.read(AgentDetail)

    async def delete_agent(self, agent_id: str) -> AgentDeleted:
        """POST /agent/{agent_id}/delete."""
        answer = await self.transport.post(f"/agent/{part(agent_id)}/delete")
        return answer.read(AgentDeleted)

    # Runs

    async def run(
        self,
        agent_id: str,
        request: RunRequest,
        *,
        idempotency_key: str | None = None,
        quality: str | None = None,
    ) -> RunStarted:
        """POST /agent/{agent_id}/run. Sent once; raises OutcomeUnknown when no answer came."""
        headers = {"idempotency-key": _header(idempotency_key)} if idempotency_key else None
        answer = await self.transport.post(
            f"/agent/{part(agent_id)}/run",
            request.body(),
            query={"quality": quality},
            headers=headers,
        )
        return answer.read(RunStarted)

    async def get_run(self, run_id: str) -> AgentRun:
        """GET /agent_run/{run_id}."""
        answer = await self.transport.get(f"/agent_run/{part(run_id)}")
        return answer.read(AgentRun)

    async def get_run_nodes(self, run_id: str) -> RunNodes:
        """GET /agent_run/{run_id}/nodes."""
        answer = await self.transport.get(f"/agent_run/{part(run_id)}/nodes")
        return answer.read(RunNodes)

    async def resume_run(self, run_id: str) -> RunResumed:
        """POST /agent_run/{run_id}/resume; Conflict when its state does not allow it."""
        answer = await self.transport.post(f"/agent_run/{part(run_id)}/resume")
        return answer.read(RunResumed)

    async def cancel_run(self, run_id: str) -> RunCancelled:
        """POST /agent_run/{run_id}/cancel."""
        answer = await self.transport.post(f"/agent_run/{part(run_id)}/cancel")
        return answer.read(RunCancelled)

    async def list_runs(
        self,
        agent_id: str | None = None,
        *,
        status: Sequence[str] | None = None,
        from_: str | None = None,
        to: str | None = None,
        limit: int = 25,
        cursor: str | None = None,
    ) -> RunList:
        """GET /agent_runs, or /agent/{agent_id}/runs."""
        path = f"/agent/{part(agent_id)}/runs" if agent_id else "/agent_runs"
        query = {
            "status": ",".join(status) if status else None,
            "from": from_,
            "to": to,
            "limit": limit,
            "cursor": cursor,
        }
        answer = await self.transport.get(path, query=query)
        return answer.read(RunList)

    async def find_output(self, output_id: str) -> RunOutput:
        """An output among the newest 100 runs: the contract has no endpoint for one output."""
        page = await self.list_runs(limit=100)
        for run in page.runs:
            for output in run.outputs:
                if output.id == output_id:
                    return output
        raise NotFound(
            f"There is no output {output_id!r} among the last 100 runs.",
            remedy="list_outputs(run_id=…) gives the ids of a run's outputs.",
        )

    async def thumbnail(self, output_id: str) -> tuple[bytes, str]:
        """The picture of an output and its media type."""
        output = await self.find_output(output_id)
        if output.thumbnail_url is None:
            raise NotFound(
                f"Output {output_id} has no thumbnail.",
                remedy="list_outputs(run_id=…, save_to=…) saves the video.",
            )
        return await fetch_picture(self.reach(output.thumbnail_url), within=self.within)

    # Assets

    async def upload_ticket(self, asset_type: AssetType) -> UploadTicket:
        """POST /uploads/{type}/get_upload_url. A ticket that nobody uses ends after an hour."""
        answer = await self.transport.post(f"/uploads/{asset_type}/get_upload_url", idempotent=True)
        return answer.read(UploadTicket)

    async def finalize_upload(self, asset_type: AssetType, asset_id: str) -> FinalizeUpload:
        """POST /uploads/{type}/finalize_upload. The engine may look at the whole file first."""
        body = FinalizeUpload.model_validate({f"{asset_type}_id": asset_id})
        answer = await self.transport.post(
            f"/uploads/{asset_type}/finalize_upload",
            body.model_dump(exclude_none=True),
            timeout_s=300,
        )
        return answer.read(FinalizeUpload)

    async def view_url(self, asset_type: AssetType, asset_id: str) -> ViewUrl:
        """POST /uploads/get_view_url."""
        request = ViewUrlRequest(asset_type=asset_type, asset_id=asset_id)
        answer = await self.transport.post(
            "/uploads/get_view_url", request.model_dump(), idempotent=True
        )
        return answer.read(ViewUrl)

    async def add_file(
        self, path: Path, asset_type: AssetType, *, on_progress: Progress | None = None
    ) -> str:
        """Make a local file an asset and return its id: handed over by path where the engine
        shares our disk, uploaded elsewhere. The same file gets the same id again."""
        studio = await self.studio()
        if studio is not None and studio.info.local_files:
            return (await studio.add_local_file(path, asset_type)).asset_id
        return await upload_once(self, path, asset_type, on_progress=on_progress)

    async def add_url(self, url: str, asset_type: AssetType) -> str:
        """Make a file at a public address an asset and return its id.

        The studio fetches it; for another engine, whose parameters take no addresses, it is
        downloaded here under the same checks and uploaded. Raises MediaError for an address
        inside a private network.
        """
        from mosaic_mcp.web.download import download

        studio = await self.studio()
        if studio is not None:
            return (await studio.add_url(url, asset_type)).asset_id
        with tempfile.TemporaryDirectory(prefix="mosaic-") as folder:
            path, name = await download(url, Path(folder), allowed=self.within.allowed)
            named = path.rename(path.with_name(safe_name(name)))
            return await upload_once(self, named, asset_type)


def _header(key: str) -> str:
    """A caller's idempotency key, when it can stand in a header."""
    if len(key) <= 255 and key.isascii() and key.isprintable() and key == key.strip():
        return key
    raise InvalidRequest(
        [
            Fault(
                "idempotency_key",
                "is not made of 1 to 255 plain letters, digits and signs.",
                "Use a UUID or a short name.",
            )
        ]
    )
