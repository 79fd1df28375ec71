"""Whole runs from an address, from several Video Inputs, and on a studio that asks for keys."""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from mcp import Client
from mcp_types import ImageContent

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.perception.probe import probe
from tests.acceptance.tools import answer, refusal, to_the_end
from tests.support.coded import ffmpeg
from tests.support.file_server import FileServer, file_server
from tests.support.studio_process import RunningStudio, running_studio, start, until
from tests.support.waiting import WAIT_S


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A red and a blue film of four seconds, each with a tone."""
    folder = tmp_path_factory.mktemp("films")
    for colour in ("red", "blue"):
        picture = f"color={colour}:size=320x180:rate=25:duration=4"
        encoded = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-shortest")
        tone = ("-f", "lavfi", "-i", "sine=duration=4")
        ffmpeg("-f", "lavfi", "-i", picture, *tone, *encoded, folder / f"{colour}.mp4")
    return {path.stem: path for path in folder.iterdir()}


def colour_of(video: Path) -> str:
    """Red or blue, by a pixel in the middle of the first picture."""
    with av.open(video) as file:
        picture = next(file.decode(video=0)).to_ndarray(format="rgb24")
    red, _, blue = picture[picture.shape[0] // 2, picture.shape[1] // 2]
    return "red" if red > blue else "blue"


def studio_files(home: Path) -> set[str]:
    """What stands for media and work in a data folder."""
    folders = ("assets", "renders", "uploads", "work")
    found = (p for f in folders for p in (home / f).rglob("*"))
    return {str(p.relative_to(home)) for p in found if p.is_file()}


# From an address


@pytest.fixture(scope="module")
def web(films: dict[str, Path]) -> Iterator[FileServer]:
    with file_server() as server:
        yield server


@pytest.fixture(scope="module")
def open_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A studio whose owner lets it download from this machine."""
    with running_studio(tmp_path_factory.mktemp("home"), MOSAIC_PRIVATE_URLS="1") as running:
        yield running


@pytest.fixture
async def client(
    open_studio: RunningStudio, films: dict[str, Path], tmp_path: Path
) -> AsyncIterator[Client]:
    allowed = (films["red"].parent, tmp_path)
    settings = Settings(home=open_studio.home, allowed_dirs=allowed)
    async with Client(build_server(settings)) as client:
        yield client


async def built(client: Client, name: str, *tiles: Any, **more: Any) -> str:
    """A new agent's id."""
    return (await answer(client, "build_agent", name=name, tiles=list(tiles), **more))["agent_id"]


async def outputs_of(client: Client, run: dict[str, Any]) -> list[dict[str, Any]]:
    ended = await to_the_end(client, run)
    assert ended["status"] == "completed", ended
    return (await answer(client, "list_outputs", run_id=ended["run_id"]))["outputs"]


async def test_a_video_at_an_address_is_fetched_cut_and_edited(
    client: Client, films: dict[str, Path], web: FileServer, open_studio: RunningStudio
):
    """ "For URL inputs, Mosaic cuts the downloaded asset …" """
    content = films["red"].read_bytes()
    url = web.put("/talks/My%20talk.mp4", content, breaks=[len(content) // 2]) + "?sig=secret"
    agent = await built(client, "Brand it", "Watermark")
    run = await answer(
        client,
        "run_agent",
        agent=agent,
        videos=[url],
        clip="1-3",
        quality="draft",
        wait_s=50,
    )
    (output,) = await outputs_of(client, run)
    with open_studio.client() as http:
        (source,) = http.get(f"/agent_run/{run['run_id']}").json()["inputs"]
        assert http.get(source["thumbnail_url"]).content.startswith(b"\xff\xd8")
    assert output["name"] == "My talk"
    assert "subtitles" not in output
    assert output["missing_words"].startswith("No subtitles: the words of My talk")
    assert output["duration_s"] == pytest.approx(2, abs=0.05)
    assert colour_of(Path(output["path"])) == "red"
    assert [a.headers.get("range") for a in web.asked] == [None, f"bytes={len(content) // 2}-"]


async def test_an_address_that_fails_is_told_and_the_run_resumed_when_it_works(
    client: Client, films: dict[str, Path], web: FileServer, open_studio: RunningStudio
):
    url = web.put("/later.mp4", status=404)
    agent = await built(client, "Plain", "Watermark")
    before = studio_files(open_studio.home)
    run = await answer(
        client, "run_agent", agent=agent, videos=[f"{url}?sig=secret"], quality="draft", wait_s=50
    )
    ended = await to_the_end(client, run)
    assert ended["status"] == "failed"
    (error,) = ended["errors"]
    assert error["node"] == "Video Input"
    assert error["messages"] == [
        f"{url} is not there (HTTP 404). Check the address; the link may have expired."
    ]
    assert studio_files(open_studio.home) == before
    web.put("/later.mp4", films["blue"].read_bytes())
    resumed = await answer(client, "resume_run", run_id=run["run_id"], wait_s=50)
    (output,) = await outputs_of(client, resumed)
    assert colour_of(Path(output["path"])) == "blue"


async def test_a_download_that_is_cancelled_ends_and_leaves_nothing(
    client: Client, films: dict[str, Path], web: FileServer, open_studio: RunningStudio
):
    url = web.put("/endless.mp4", films["red"].read_bytes(), hold_after=1000)
    agent = await built(client, "Plain", "Watermark")
    before = studio_files(open_studio.home)
    run = await answer(client, "run_agent", agent=agent, videos=[url], wait_s=0)
    while "/endless.mp4" not in [a.path for a in web.asked]:
        await answer(client, "get_run", run_id=run["run_id"], since=run["since"], wait_s=1)
    cancelled = await answer(client, "cancel_run", run_id=run["run_id"])
    assert cancelled["status"] == "cancelled"
    assert studio_files(open_studio.home) == before
    web.put("/endless.mp4", films["red"].read_bytes())
    resumed = await answer(client, "resume_run", run_id=run["run_id"], wait_s=50)
    assert len(await outputs_of(client, resumed)) == 1


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"<html>Please log in</html>", "text/html", "is a web page, not a video file"),
        (b"PK\x03\x04" * 500, "application/zip", "not a media file"),
        (b"", "video/mp4", "0 bytes"),
    ],
)
async def test_an_address_of_no_video_fails_the_run_and_leaves_nothing(
    client: Client,
    web: FileServer,
    open_studio: RunningStudio,
    content: bytes,
    kind: str,
    says: str,
):
    url = web.put("/thing", content, kind=kind)
    agent = await built(client, "Plain", "Watermark")
    before = studio_files(open_studio.home)
    run = await answer(client, "run_agent", agent=agent, videos=[url], wait_s=50)
    ended = await to_the_end(client, run)
    assert ended["status"] == "failed"
    assert says in str(ended["errors"])
    assert studio_files(open_studio.home) == before


async def test_an_address_of_this_machine_is_refused_unless_the_owner_allows_it(
    settings: Settings, films: dict[str, Path], web: FileServer
):
    url = web.put("/private.mp4", films["red"].read_bytes())
    async with Client(build_server(settings)) as client:
        agent = await built(client, "Plain", "Watermark")
        run = await answer(client, "run_agent", agent=agent, videos=[url], wait_s=50)
        ended = await to_the_end(client, run)
    assert ended["status"] == "failed"
    assert "private network" in str(ended["errors"])
    assert "/private.mp4" not in [a.path for a in web.asked]


# From several Video Inputs


async def test_several_video_inputs_each_get_their_own_videos(
    client: Client, films: dict[str, Path], web: FileServer
):
    """ "provide one video_inputs entry for each runnable input tile" """
    url = web.put("/blue.mp4", films["blue"].read_bytes())
    agent = await built(
        client,
        "Two cameras",
        {"tile": "Video Input", "label": "talk"},
        {"tile": "Video Input", "label": "screen"},
        {"tile": "Reframe", "label": "square", "params": {"aspect_ratio": "1:1"}},
        {"tile": "Watermark", "label": "logo"},
        connect=[["talk", "square"], ["screen", "logo"]],
    )
    red = str(films["red"])
    text = await refusal(client, "run_agent", agent=agent, videos=[red, url])
    assert "'talk', 'screen'" in text
    text = await refusal(
        client, "run_agent", agent=agent, videos=[{"source": red, "input": "talk"}]
    )
    assert "There is no entry for" in text
    run = await answer(
        client,
        "run_agent",
        agent=agent,
        videos=[
            {"source": red, "input": "talk", "clip": "first 1 s"},
            {"source": url, "input": "screen", "clip": "from 1 s"},
        ],
        quality="standard",
        wait_s=50,
    )
    made = {line["node"]: line for line in await outputs_of(client, run)}
    assert set(made) == {"square", "logo"}
    assert colour_of(Path(made["square"]["path"])) == "red"
    assert colour_of(Path(made["logo"]["path"])) == "blue"
    assert made["square"]["duration_s"] == pytest.approx(1, abs=0.05)
    assert made["logo"]["duration_s"] == pytest.approx(3, abs=0.05)
    assert made["square"]["width"] == made["square"]["height"]
    assert made["logo"]["width"] == 320


# On a studio that asks for keys


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The data folder and the address of a studio that is found by nobody without a key."""
    home = tmp_path_factory.mktemp("keyed")
    process = start(home, "--require-key", MOSAIC_STUDIO_KEYS="mk_anna=anna,mk_ben=ben")
    try:
        log = home / "studio" / "log" / "studio.log"
        until(lambda: log.exists() and "serving" in log.read_text(), [process])
        yield home, f"http://127.0.0.1:{int((home / 'studio' / 'port').read_text())}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT_S)


async def test_the_same_tools_drive_a_studio_elsewhere_by_key(
    keyed: tuple[Path, str], films: dict[str, Path], tmp_path: Path
):
    home, url = keyed
    own = Settings(
        home=tmp_path / "home",
        api_key="mk_anna",
        api_url=url,
        allowed_dirs=(films["red"].parent, tmp_path),
    )
    said = {"videos": [str(films["blue"])], "clip": "first 2 s", "quality": "draft", "wait_s": 50}
    async with Client(build_server(own)) as client:
        agent = await built(client, "Brand it", "Watermark")
        run = await answer(client, "run_agent", agent=agent, **said)
        (output,) = await outputs_of(client, run)
        assert "path" not in output, "its disk is not ours"
        assert output["url"].startswith(f"{url}/media/renders/{output['output_id']}/video.mp4?exp=")
        saved = await answer(
            client, "list_outputs", run_id=run["run_id"], save_to=str(tmp_path / "saved")
        )
        copy = Path(saved["outputs"][0]["saved_to"])
        assert copy.read_bytes() == (home / f"renders/{output['output_id']}/video.mp4").read_bytes()
        assert float((await probe(copy, name="copy")).duration) == pytest.approx(2, abs=0.05)
        assert colour_of(copy) == "blue"
        sheet = await client.call_tool("view_output", {"output_id": output["output_id"]})
        (picture,) = [b for b in sheet.content if isinstance(b, ImageContent)]
        assert picture.mime_type == "image/jpeg"
        again = await answer(client, "run_agent", agent=agent, **said, idempotency_key="again")
        await to_the_end(client, again)
        (asset,) = [p for p in (home / "assets").rglob("*") if p.is_file()]
        assert asset.read_bytes() == films["blue"].read_bytes(), "sent whole, and once"
    assert not (own.home / "studio").exists(), "no studio of one's own is started"
    other = Settings(home=tmp_path / "other", api_key="mk_ben", api_url=url)
    async with Client(build_server(other)) as client:
        assert not (await answer(client, "list_runs")).get("runs")
        assert "list_runs" in await refusal(client, "get_run", run_id=run["run_id"])
