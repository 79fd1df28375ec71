"""Providers of pictures and videos against strict doubles of their APIs, over real HTTP."""

import io

import anyio
import pytest
from PIL import Image

from mosaic_mcp.errors import (
    GenerationFailed,
    InvalidRequest,
    NoSpace,
    RateLimited,
    SourceUnavailable,
    TooLarge,
    Unauthorized,
)
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.providers import Providers
from mosaic_mcp.studio.providers import api as api_module
from mosaic_mcp.studio.providers.api import Pace
from mosaic_mcp.studio.providers.fal import Fal
from mosaic_mcp.studio.providers.openai import OpenAI, size_of
from mosaic_mcp.studio.providers.order import Order
from mosaic_mcp.studio.providers.provider import FilmWish, PictureWish
from mosaic_mcp.studio.providers.replicate import Replicate
from mosaic_mcp.studio.runs.states import Superseded
from mosaic_mcp.web.addresses import anywhere
from mosaic_mcp.web.download import Limits
from tests.support.providers import KEY, providers

FAST = Pace(first_s=0.001, most_s=0.001)
FOX = "A red fox in snow"
MAKERS = ("openai", "replicate", "fal")


@pytest.fixture(scope="module")
def serving():
    with providers() as double:
        yield double


@pytest.fixture
def double(serving):
    fresh = type(serving)(port=serving.port)
    serving.__dict__.clear()
    serving.__dict__.update(fresh.__dict__)
    return serving


def maker(double, name: str, key: str = KEY, pace: Pace = FAST):
    match name:
        case "openai":
            return OpenAI.of(key, double.url("/openai/v1"), allowed=anywhere)
        case "replicate":
            base = double.url("/replicate/v1")
            return Replicate.of(key, {}, base, allowed=anywhere, pace=pace)
        case _:
            return Fal.of(key, {}, double.url("/fal"), allowed=anywhere, pace=pace)


def order_of(folder) -> Order:
    """What is remembered beside the folder of a test."""
    return Order(Library(folder.with_name(f"{folder.name}-home")), "wish", "the provider")


def posts(double) -> int:
    """How often something was ordered."""
    return sum(m == "POST" and not path.endswith("/cancel") for m, path in double.asked)


async def made(double, name, wish, folder, **more):
    steps: list[str] = []

    async def tell(step: str) -> None:
        steps.append(step)

    path = await maker(double, name, **more).make(wish, folder, tell, order_of(folder))
    assert steps[0] == f"asking {maker(double, name).name} for a " + (
        "picture" if name == "openai" else wish.kind
    )
    return path.read_bytes()


async def again(double, name, folder) -> bytes:
    """What another attempt, after the first one died, comes to."""
    steps: list[str] = []

    async def tell(step: str) -> None:
        steps.append(step)

    wish = PictureWish(FOX)
    path = await maker(double, name).make(wish, folder, tell, order_of(folder))
    assert not any(step.startswith("asking") for step in steps)
    return path.read_bytes()


@pytest.mark.parametrize("name", MAKERS)
async def test_every_provider_makes_a_picture_as_its_pages_say(double, name, tmp_path):
    double.looks = 3
    content = await made(double, name, PictureWish(FOX, 1280, 720), tmp_path)
    assert Image.open(io.BytesIO(content)).size == (64, 48)
    sent = double.bodies[0].get("input", double.bodies[0])
    assert sent["prompt"] == FOX
    wide = {"openai": ("size", "1280x720"), "replicate": ("aspect_ratio", "16:9")}
    field, value = wide.get(name, ("image_size", {"width": 1280, "height": 720}))
    assert sent[field] == value


@pytest.mark.parametrize("name", ["replicate", "fal"])
async def test_a_video_is_asked_with_its_length_shape_and_sound(double, name, tmp_path):
    double.video = b"a video"
    wish = FilmWish(FOX, seconds=8, aspect="9:16", sound=True)
    assert await made(double, name, wish, tmp_path) == b"a video"
    sent = double.bodies[0].get("input", double.bodies[0])
    assert (sent["aspect_ratio"], sent["generate_audio"]) == ("9:16", True)
    assert sent["duration"] == (8 if name == "replicate" else "8")


async def test_a_picture_may_come_by_its_address(double, tmp_path):
    double.by_url = True
    assert await made(double, "openai", PictureWish(FOX), tmp_path) == double.image


@pytest.mark.parametrize(
    ("size", "model", "asked"),
    [
        ((1024, 768), "gpt-image-2", "1024x768"),
        ((512, 512), "gpt-image-2", "816x816"),
        ((256, 3840), "gpt-image-2", "256x3840"),
        ((720, 1280), "gpt-image-1", "1024x1536"),
    ],
)
def test_openai_is_asked_for_a_size_that_its_model_has(size, model, asked):
    assert size_of(*size, model) == asked


@pytest.mark.parametrize("name", MAKERS)
async def test_a_wrong_key_is_named_by_its_variable_and_never_shown(double, name, tmp_path):
    with pytest.raises(Unauthorized) as refusal:
        await made(double, name, PictureWish(FOX), tmp_path, key="sk-secret-0815")
    assert maker(double, name).variable in str(refusal.value)
    assert "sk-secret" not in str(refusal.value)


@pytest.mark.parametrize("name", MAKERS)
async def test_what_a_provider_refuses_is_told_in_its_words(double, name, tmp_path):
    double.answers = [(400, {"error": {"message": "Your prompt was\nflagged."}}, {})]
    with pytest.raises(GenerationFailed, match=r"HTTP 400\): Your prompt was flagged\."):
        await made(double, name, PictureWish(FOX), tmp_path)


@pytest.mark.parametrize("name", ["replicate", "fal"])
async def test_a_job_that_fails_says_why(double, name, tmp_path):
    double.fails = "NSFW content detected"
    with pytest.raises(GenerationFailed, match="NSFW content detected"):
        await made(double, name, PictureWish(FOX), tmp_path)


async def test_too_many_requests_are_tried_again_when_the_provider_says(double, tmp_path):
    double.answers = [(429, {"error": {"message": "slow down"}}, {"retry-after": "7"})]
    with pytest.raises(RateLimited) as refusal:
        await made(double, "openai", PictureWish(FOX), tmp_path)
    assert (refusal.value.retryable, refusal.value.retry_after_s) == (True, 7)


async def test_a_key_without_credit_is_not_tried_again(double, tmp_path):
    error = {"message": "You exceeded your quota", "code": "insufficient_quota"}
    double.answers = [(429, {"error": error}, {})]
    with pytest.raises(GenerationFailed, match="You exceeded your quota"):
        await made(double, "openai", PictureWish(FOX), tmp_path)


@pytest.mark.parametrize("name", ["replicate", "fal"])
async def test_a_paid_job_outlives_some_looks_that_fail(double, name, tmp_path):
    busy = (503, {"detail": "busy"}, {})
    sent = [(201, {"id": "p-image", "status": "starting"}, {})]
    if name == "fal":
        at = double.url("/fal/queue-image/requests/r1")
        urls = {"status_url": f"{at}/status", "response_url": at, "cancel_url": f"{at}/cancel"}
        sent = [(200, urls, {})]
    double.answers = [*sent, busy, busy]
    assert await made(double, name, PictureWish(FOX), tmp_path) == double.image
    await order_of(tmp_path).forget()
    double.answers = [*sent, *[busy] * api_module.BAD_LOOKS]
    (tmp_path / "download").unlink()
    with pytest.raises(SourceUnavailable, match="HTTP 503"):
        await made(double, name, PictureWish(FOX), tmp_path)
    assert posts(double) == 2
    assert await again(double, name, tmp_path) == double.image
    assert posts(double) == 2, "the next attempt looks after the same work"


@pytest.mark.parametrize("name", ["replicate", "fal"])
async def test_cancelled_work_is_cancelled_over_there(double, name, tmp_path):
    double.looks = 10**9
    waiting = anyio.Event()

    async def tell(step: str) -> None:
        if step.startswith("waiting"):
            waiting.set()

    async with anyio.create_task_group() as group:
        group.start_soon(
            maker(double, name).make, PictureWish(FOX), tmp_path, tell, order_of(tmp_path)
        )
        await waiting.wait()
        group.cancel_scope.cancel()
    assert len(double.cancelled) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["replicate", "fal"])
async def test_work_for_a_node_that_is_no_longer_ours_is_cancelled_over_there(
    double, name, tmp_path
):
    double.looks = 10**9

    async def tell(step: str) -> None:
        if step.startswith("waiting"):
            raise Superseded

    with pytest.raises(Superseded):
        await maker(double, name).make(PictureWish(FOX), tmp_path, tell, order_of(tmp_path))
    assert len(double.cancelled) == 1


@pytest.mark.parametrize("name", MAKERS)
async def test_a_disk_that_fills_up_with_what_was_paid_for_asks_nobody_again(
    double, name, tmp_path, monkeypatch
):
    double.by_url = True

    async def full(*_: object, **__: object) -> None:
        raise NoSpace

    with monkeypatch.context() as patched:
        patched.setattr(api_module, "download", full)
        with pytest.raises(NoSpace):
            await made(double, name, PictureWish(FOX), tmp_path)
    assert await again(double, name, tmp_path) == double.image
    assert posts(double) == 1


@pytest.mark.parametrize("name", ["replicate", "fal"])
async def test_work_that_nobody_could_stop_over_there_is_gone_on_with(double, name, tmp_path):
    double.looks = 10**9

    async def tell(step: str) -> None:
        if step.startswith("waiting"):
            double.answers = [(500, {"detail": "busy"}, {})]
            raise Superseded

    with pytest.raises(Superseded):
        await maker(double, name).make(PictureWish(FOX), tmp_path, tell, order_of(tmp_path))
    double.looks = 1
    assert await again(double, name, tmp_path) == double.image
    assert (double.cancelled, posts(double)) == ([], 1)


@pytest.mark.parametrize("name", ["replicate", "fal"])
async def test_work_that_a_later_attempt_took_over_is_not_stopped_under_it(double, name, tmp_path):
    double.looks = 10**9

    async def tell(step: str) -> None:
        if step.startswith("waiting"):
            assert await order_of(tmp_path).work()
            raise Superseded

    with pytest.raises(Superseded):
        await maker(double, name).make(PictureWish(FOX), tmp_path, tell, order_of(tmp_path))
    assert double.cancelled == []
    double.looks = 1
    assert await again(double, name, tmp_path) == double.image
    assert posts(double) == 1


@pytest.mark.parametrize("name", ["replicate", "fal"])
async def test_work_that_was_stopped_over_there_is_asked_for_anew(double, name, tmp_path):
    async def tell(step: str) -> None:
        if step.startswith("waiting"):
            raise Superseded

    with pytest.raises(Superseded):
        await maker(double, name).make(PictureWish(FOX), tmp_path, tell, order_of(tmp_path))
    assert await made(double, name, PictureWish(FOX), tmp_path) == double.image
    assert (len(double.cancelled), posts(double)) == (1, 2)


async def test_a_gateway_that_gave_up_is_not_asked_again_by_itself(double, tmp_path):
    double.answers = [(504, {"detail": "timeout"}, {})]
    with pytest.raises(GenerationFailed, match="may have made and charged"):
        await made(double, "openai", PictureWish(FOX), tmp_path)


@pytest.mark.parametrize("name", ["replicate", "fal"])
async def test_work_that_takes_too_long_is_given_up_and_cancelled(double, name, tmp_path):
    double.looks = 10**9
    with pytest.raises(GenerationFailed, match="was told to stop"):
        await made(double, name, PictureWish(FOX), tmp_path, pace=Pace(0.001, 1, 0.001, 0.2))
    assert len(double.cancelled) == 1


async def test_an_answer_that_breaks_off_is_not_asked_for_again_by_itself(double, tmp_path):
    double.answers = [(200, None, {"content-length": "99"})]
    with pytest.raises(GenerationFailed, match="may have made and charged"):
        await made(double, "openai", PictureWish(FOX), tmp_path)


async def test_a_file_above_the_limit_is_not_kept(double, tmp_path, monkeypatch):
    double.video = bytes(2000)
    monkeypatch.setitem(api_module.FILES, "video", Limits(size=1000))
    with pytest.raises(TooLarge):
        await made(double, "fal", FilmWish(FOX), tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_the_key_goes_nowhere_but_to_the_queue(double, tmp_path):
    double.elsewhere = "http://127.0.0.1:9/requests/r1"
    with pytest.raises(GenerationFailed, match="another address"):
        await made(double, "fal", PictureWish(FOX), tmp_path)


@pytest.mark.parametrize("name", MAKERS)
async def test_an_answer_of_another_form_is_a_sentence(double, name, tmp_path):
    double.answers = [(200, ["what"], {})]
    with pytest.raises(GenerationFailed, match="not its API's form"):
        await made(double, name, PictureWish(FOX), tmp_path)


async def test_a_provider_that_is_not_there_is_tried_again(double, tmp_path):
    away = OpenAI.of(KEY, "http://127.0.0.1:9/v1", allowed=anywhere)

    async def tell(step: str) -> None:
        pass

    with pytest.raises(SourceUnavailable, match="OpenAI cannot be reached"):
        await away.make(PictureWish(FOX), tmp_path, tell, order_of(tmp_path))


async def test_the_apis_own_address_leads_into_no_private_network(double, tmp_path):
    inside = Fal.of(KEY, {}, double.url("/fal"))

    async def tell(step: str) -> None:
        pass

    with pytest.raises(SourceUnavailable, match="private network"):
        await inside.make(PictureWish(FOX), tmp_path, tell, order_of(tmp_path))
    assert double.asked == []


def chosen(tmp_path, **environment: str) -> Providers:
    return Providers.of(Settings.from_env({"MOSAIC_HOME": str(tmp_path), **environment}))


def test_the_keys_that_are_set_decide_who_makes_what(tmp_path):
    assert chosen(tmp_path).for_("image") is None
    assert "a card with the prompt stands in" in chosen(tmp_path).says("image")
    all_three = {"OPENAI_API_KEY": "a", "REPLICATE_API_TOKEN": "b", "FAL_KEY": "c"}
    found = chosen(tmp_path, **all_three)
    assert (found.for_("image").name, found.for_("video").name) == ("OpenAI", "Replicate")
    assert found.says("image").startswith("Calls OpenAI with your key (OPENAI_API_KEY)")
    only = chosen(tmp_path, MOSAIC_PROVIDER="fal", **all_three)
    assert (only.for_("image").name, only.for_("video").name) == ("fal", "fal")
    assert chosen(tmp_path, MOSAIC_PROVIDER="none", **all_three).all == ()
    assert chosen(tmp_path, OPENAI_API_KEY="a").for_("video") is None
    model = chosen(tmp_path, FAL_KEY="c", MOSAIC_VIDEO_MODEL="some/model").for_("video")
    assert model.models["video"] == "some/model"


@pytest.mark.parametrize("name", ["dream", "fal"])
def test_a_provider_that_cannot_be_used_is_refused_at_once(tmp_path, name):
    with pytest.raises(InvalidRequest, match="MOSAIC_PROVIDER"):
        chosen(tmp_path, MOSAIC_PROVIDER=name)
