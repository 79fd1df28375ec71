"""An engine for each caller: whose it is, and when it is given up."""

from types import SimpleNamespace

import anyio
import anyio.lowlevel
import pytest

from mosaic_mcp.errors import EngineUnavailable, Unauthorized
from mosaic_mcp.server import callers
from mosaic_mcp.server.callers import CallersEngine
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.settings import Settings


class Connection:
    """A client as far as an engine holds one."""

    def __init__(self) -> None:
        self.closed = False

    async def alive(self) -> bool:
        return True

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()  # as a real one: others run meanwhile
        self.closed = True


@pytest.fixture
def caller():
    """Who calls now; a test changes it."""
    return ["anna"]


@pytest.fixture
def opened(monkeypatch):
    """The connections that were made, by owner."""
    made: dict[str | None, Connection] = {}

    async def connect(settings: Settings) -> Connection:
        return made.setdefault(settings.owner, Connection())

    monkeypatch.setattr("mosaic_mcp.client.connect", connect)
    return made


@pytest.fixture
def engine(tmp_path, caller) -> CallersEngine:
    def settings_of(subject: str) -> Settings:
        return Settings(home=tmp_path, owner=subject)

    return CallersEngine(Settings(home=tmp_path), settings_of, lambda: caller[0])


async def test_each_caller_has_a_connection_of_their_own_and_keeps_it(engine, caller, opened):
    first = await engine.client()
    assert await engine.client() is first
    caller[0] = "ben"
    assert await engine.client() is not first
    assert set(opened) == {"anna", "ben"}


async def test_settings_and_memory_are_the_callers(engine, caller):
    annas = engine.ledger()
    assert engine.settings.owner == "anna"
    caller[0] = "ben"
    assert engine.settings.owner == "ben"
    annas.set_labels("agent", {"node": "secret plan"})
    assert engine.ledger().labels("agent") == {}


async def test_outside_of_a_request_it_is_nobodys(tmp_path):
    engine = CallersEngine(Settings(home=tmp_path), lambda s: Settings(home=tmp_path, owner=s))
    with pytest.raises(Unauthorized):
        await engine.client()
    with pytest.raises(Unauthorized):
        engine.ledger()
    with pytest.raises(Unauthorized):
        _ = engine.settings


async def test_a_connection_that_nobody_used_for_long_is_closed(
    engine, caller, opened, monkeypatch
):
    now = [1000.0]
    # Not the clock of the whole process: another test's event loop would sleep by it for hours.
    monkeypatch.setattr(callers, "time", SimpleNamespace(monotonic=lambda: now[0]))
    await engine.client()
    now[0] += callers.IDLE_S - 1
    caller[0] = "ben"
    await engine.client()
    assert not opened["anna"].closed
    now[0] += 2
    await engine.client()
    assert (opened["anna"].closed, opened["ben"].closed) == (True, False)


async def test_several_calls_at_once_give_up_what_is_idle_together(
    engine, caller, opened, monkeypatch
):
    now = [1000.0]
    monkeypatch.setattr(callers, "time", SimpleNamespace(monotonic=lambda: now[0]))
    idle = ["anna", "ben", "cleo"]
    for caller[0] in idle:
        await engine.client()
    now[0] += callers.IDLE_S + 1
    caller[0] = "dora"
    async with anyio.create_task_group() as calls:
        for _ in range(3):
            calls.start_soon(engine.client)
    assert all(opened[subject].closed for subject in idle)


async def test_closing_closes_all(engine, caller, opened):
    await engine.client()
    caller[0] = "ben"
    await engine.client()
    await engine.close()
    assert all(connection.closed for connection in opened.values())


async def test_what_the_log_of_the_machine_says_stays_there(engine, monkeypatch):
    async def sick(_: Engine) -> None:
        raise EngineUnavailable("It ended.", remedy="Its log ends with: /srv/secret/place")

    monkeypatch.setattr(Engine, "client", sick)
    with pytest.raises(EngineUnavailable) as caught:
        await engine.client()
    assert "/srv" not in str(caught.value)
