"""The house rules of imports, read from the code itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mosaic_mcp

ROOT = Path(mosaic_mcp.__file__).parent
LEAVES = {"errors", "importing", "logs", "opening", "settings", "traces"}
ROOMS = {
    "errors": set(),
    "importing": set(),
    "opening": set(),
    "settings": set(),
    "logs": {"errors", "settings"},
    "traces": set(),
    "contract": LEAVES,
    # What both sides fetch addresses with.
    "web": LEAVES,
    "client": LEAVES | {"contract", "web"},
    "intent": LEAVES | {"contract", "client"},
    "server": LEAVES | {"contract", "client", "intent", "web"},
    "studio": LEAVES | {"contract", "web"},
    "sample": set(),
    # The command line may know every room; its commands import them when they run.
    "cli": {*LEAVES, "contract", "client", "intent", "server", "studio", "demo", "doctor"},
    "demo": LEAVES | {"contract"},
    "doctor": LEAVES | {"client", "contract", "studio"},
    "__main__": {"cli"},
    "__init__": set(),
}
HEAVY = ("av", "cv2", "numpy", "fastapi", "sqlalchemy", "dbos", "pocketsphinx", "PIL")
LATE = ("httpx", "yaml", "mosaic_mcp.contract", "mosaic_mcp.client", "mosaic_mcp.intent")


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write absolute imports"
            names = [node.module or ""]
            if node.module == "mosaic_mcp":
                names = [f"mosaic_mcp.{alias.name}" for alias in node.names]
        rooms |= {n.split(".")[1] for n in names if n.startswith("mosaic_mcp.")}
    return rooms - {"__version__"}


def test_every_room_imports_only_the_rooms_it_may_know():
    wrong = []
    for path in ROOT.rglob("*.py"):
        room = room_of(path)
        assert room in ROOMS, f"{path} stands in a room that the plan does not name"
        wrong += [
            f"{path.relative_to(ROOT)} imports {other}"
            for other in imported_rooms(path) - ROOMS[room] - {room}
        ]
    assert wrong == []


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_listing_tools_loads_no_engine_no_client_and_no_contract():
    modules = loaded_after(
        "import anyio\n"
        "from pathlib import Path\n"
        "from mosaic_mcp.server import build_server\n"
        "from mosaic_mcp.settings import Settings\n"
        "assert anyio.run(build_server(Settings(home=Path('nowhere'))).list_tools)"
    )
    assert [m for m in (*HEAVY, *LATE, "mosaic_mcp.studio") if m in modules] == []


def test_the_client_side_never_loads_the_studio():
    modules = loaded_after("import mosaic_mcp.client, mosaic_mcp.intent, mosaic_mcp.contract.rules")
    assert [m for m in (*HEAVY, "mosaic_mcp.studio") if m in modules] == []


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: p.name)
def test_no_module_is_longer_than_five_hundred_lines(path: Path):
    assert len(path.read_text("utf-8").splitlines()) <= 500


@pytest.mark.parametrize(
    "module",
    [
        "perception.facts",
        "perception.speech",
        "perception.looking",
        "perception.colours",
        "perception.recognising",
        "perception.aligning",
        "render.copying",
    ],
)
def test_the_program_that_opens_media_loads_neither_engine_nor_server(module: str):
    modules = loaded_after(
        f"import mosaic_mcp.studio.perception.helper, mosaic_mcp.studio.{module}"
    )
    assert not modules & {"alembic", "anyio", "dbos", "fastapi", "httpx", "pydantic", "sqlalchemy"}
