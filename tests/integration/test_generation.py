"""Agents that only generate, and generation among other tiles: from request to pixels."""

import io
import subprocess

import httpx
import imageio_ffmpeg
import numpy as np
import pytest
from mcp import Client
from PIL import Image

from mosaic_mcp.contract.extensions import PREFIX
from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.tools import answer, refusal, to_the_end
from tests.support.media import video
from tests.support.providers import KEY, png, providers
from tests.support.studio_process import running_studio
from tests.support.studio_runs import Studio

FOX = "A red fox in deep snow"
AMBER = (251, 191, 36)


def frame(path: str, at: float = 0) -> Image.Image:
    """The frame shown at a time."""
    shown = subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-ss", str(at), "-i", path),
            *("-frames:v", "1", "-c:v", "png", "-f", "image2pipe", "-"),
        ],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    return Image.open(io.BytesIO(shown.stdout)).convert("RGB")


def near(image: Image.Image, colour: tuple[int, int, int]) -> float:
    """The share of pixels that are about that colour."""
    pixels = np.asarray(image, np.int16)
    return float((abs(pixels - np.array(colour)).max(axis=2) < 24).mean())


def outputs(api: Studio, run_id: str) -> list[dict]:
    """The run's outputs, as the studio's own endpoint describes them."""
    run = api.end(run_id)
    assert run["status"] == "completed", run
    return [api.http.get(f"{PREFIX}/renders/{o['id']}").json() for o in run["outputs"]]


async def test_an_agent_that_only_generates_runs_without_videos_and_marks_its_placeholder(
    studio, tmp_path
):
    settings = Settings(home=studio.home, allowed_dirs=(tmp_path,))
    async with Client(build_server(settings)) as client:
        await answer(client, "build_agent", name="A fox", tiles=["Image Generation"])
        params = {"Image Generation": {"prompt": FOX, "image_size": "square"}}
        plan = await answer(client, "run_agent", agent="A fox", params=params, dry_run=True)
        [warning] = plan["warnings"]
        assert "No provider of pictures is set" in warning
        refused = await refusal(
            client, "run_agent", agent="A fox", params=params, videos=["https://example.com/a.mp4"]
        )
        assert "generates its own media" in refused
        run = await answer(
            client, "run_agent", agent="A fox", params=params, quality="draft", wait_s=50
        )
        run = await to_the_end(client, run)
        assert run["status"] == "completed", run
        listed = await answer(client, "list_outputs", run_id=run["run_id"])
    [output] = listed["outputs"]
    assert output["name"] == f"placeholder, {FOX}"
    assert output["duration_s"] == 5
    picture = Image.open(output["image"])
    assert (picture.format, picture.size) == ("PNG", (512, 512))
    assert near(picture, AMBER) > 0.02
    assert near(frame(output["path"], 4.5), AMBER) > 0.02


@pytest.fixture(scope="module")
def paid(tmp_path_factory):
    """A studio whose pictures a provider makes, and that provider's double."""
    with providers() as double:
        double.image = png((256, 192), "teal")
        environment = {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": double.url("/openai/v1"),
        }
        home = tmp_path_factory.mktemp("paid")
        with running_studio(home, **environment) as running, running.client() as http:
            yield Studio(http, home), double


def test_a_providers_picture_flows_through_the_tiles_behind_it(paid):
    api, double = paid
    tiles = {t["name"]: t for t in api.http.get(f"{PREFIX}/tiles").json()["tiles"]}
    assert "Calls OpenAI with your key" in tiles["Image Generation"]["means"]
    assert "No provider of videos is set" in tiles["Video Generation"]["means"]
    agent, _ = api.agent(
        {
            "make": ("Image Generation", {"prompt": FOX}),
            "shape": ("Reframe", {"aspect_ratio": "1:1"}),
            "mark": "Watermark",
        },
        "make>shape shape>mark",
    )
    [output] = outputs(api, api.run(agent, {}))
    assert double.bodies[-1]["prompt"] == FOX
    facts = output["facts"]
    assert facts["width"] == facts["height"]
    shown = frame(output["path"], 1)
    teal, width = (0, 128, 128), shown.width
    assert near(shown.crop((0, 0, width, width // 2)), teal) > 0.99
    assert near(shown.crop((width // 2, width * 3 // 4, width, width)), teal) < 0.99, "the logo"
    original = httpx.get(output["image_url"], trust_env=False)
    assert original.content == double.image


def test_what_a_provider_sends_is_judged_before_anything_opens_it(paid):
    api, double = paid
    agent, _ = api.agent({"make": ("Image Generation", {"prompt": FOX})}, "")
    good, double.image = double.image, b"#EXTM3U\nfile:///etc/passwd\n"
    try:
        run = api.end(api.run(agent, {}))
    finally:
        double.image = good
    assert run["status"] == "failed"
    assert "cannot be used. It is a playlist" in run["errors"][0]["messages"][0]


@pytest.mark.parametrize("name", ["espresso cup.png", "espresso cup.jpg", "espresso cup.webp"])
async def test_b_roll_of_a_file_beside_the_talk_covers_the_picture_and_not_the_sound(
    studio, tmp_path, name
):
    talk, clip = tmp_path / "talk.mp4", tmp_path / name
    video(talk, seconds=8)
    Image.new("RGB", (640, 480), AMBER).save(clip, quality=95)
    srt = tmp_path / "words.srt"
    srt.write_text(
        "1\n00:00:00,200 --> 00:00:03,500\nGood morning to all of you out there.\n\n"
        "2\n00:00:04,500 --> 00:00:07,500\nThe espresso comes first.\n"
    )
    settings = Settings(home=studio.home, allowed_dirs=(tmp_path,))
    async with Client(build_server(settings)) as client:
        await answer(client, "build_agent", name=f"Rolling {name}", tiles=["AI B-Roll"])
        run = await answer(
            client,
            "run_agent",
            agent=f"Rolling {name}",
            videos=[{"source": str(talk), "transcript": str(srt)}],
            params={"AI B-Roll": {"clips": [str(clip)]}},
            quality="draft",
            wait_s=50,
        )
        run = await to_the_end(client, run)
        assert run["status"] == "completed", run
        [output] = (await answer(client, "list_outputs", run_id=run["run_id"]))["outputs"]
    path = output["path"]
    assert near(frame(path, 5.5), AMBER) > 0.99
    assert near(frame(path, 2), AMBER) < 0.1
    assert (abs(samples(path, 5, 1) - samples(str(talk), 5, 1)) < 2000).mean() > 0.99


def test_b_roll_is_mirrored_and_coloured_with_the_video_under_it(studio, local, tmp_path):
    api = Studio(local, studio.home)
    clip, table, srt = (tmp_path / n for n in ("espresso cup.png", "swapped.cube", "words.srt"))
    picture = Image.new("RGB", (64, 48))
    picture.paste(AMBER, (0, 0, 32, 48))
    picture.save(clip)
    # Red and blue change places.
    swapped = [f"{b} {g} {r}" for b in (0, 1) for g in (0, 1) for r in (0, 1)]
    table.write_text("\n".join(["LUT_3D_SIZE 2", *swapped]))
    srt.write_text("1\n00:00:04,500 --> 00:00:07,500\nThe espresso comes first.\n")
    talk = api.add(video(tmp_path / "talk.mp4", seconds=8), srt)
    nodes = {
        "in": "Video Input",
        "roll": ("AI B-Roll", {"clips": [api.add(clip, kind="image")]}),
        "mirror": "Mirror",
        "colour": ("Color Correction", {"lut_id": api.add(table, kind="image")}),
    }
    agent, _ = api.agent(nodes, "in>roll roll>mirror mirror>colour")
    [output] = outputs(api, api.run(agent, {"video_ids": [talk]}))
    shown = frame(output["path"], 5.5)
    left, right = (shown.crop((x, 0, x + 20, shown.height)) for x in (0, shown.width - 20))
    assert near(right, AMBER[::-1]) > 0.99
    assert near(left, (0, 0, 0)) > 0.99


def samples(path: str, at: float, seconds: float) -> np.ndarray:
    """The sound of a part, 16 bit, mono."""
    heard = subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-ss", str(at), "-i", path),
            *("-t", str(seconds), "-ac", "1", "-ar", "48000", "-f", "s16le", "-"),
        ],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    return np.frombuffer(heard.stdout, np.int16).astype(np.int32)


def test_generation_is_a_second_source_beside_a_video_input(paid, tmp_path):
    api, _ = paid
    asset = api.add(video(tmp_path / "clip.mp4", seconds=1))
    agent, _ = api.agent(
        {
            "in": "Video Input",
            "make": ("Video Generation", {"prompt": FOX, "duration": "1", "aspect_ratio": "9:16"}),
            "mirror": "Mirror",
        },
        "in>mirror make>mirror",
    )
    found = outputs(api, api.run(agent, {"video_ids": [asset]}))
    by_name = {o["name"]: o["facts"] for o in found}
    assert set(by_name) == {"clip", f"placeholder, {FOX}"}
    card = by_name[f"placeholder, {FOX}"]
    assert (card["duration_s"], card["height"] > card["width"]) == (1, True)
