"""Files on their way to the hosted engine: in form, whole, once."""

import os

import pytest

from mosaic_mcp.client import Ledger, MosaicClient, uploads
from mosaic_mcp.errors import EngineUnavailable, MediaError, OutcomeUnknown, TooLarge
from tests.support.hosted_double import KEY
from tests.support.patience import Patience

PIECE = uploads.PIECE


@pytest.fixture
async def client(double, tmp_path):
    time = Patience()
    ledger = Ledger(tmp_path / "home" / "ledger.db")
    async with MosaicClient(
        double.url, KEY, ledger=ledger, sleep=time.sleep, clock=time.clock
    ) as connected:
        yield connected


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.mp4"
    path.write_bytes(os.urandom(3 * PIECE + 7))
    return path


@pytest.mark.parametrize("asset_type", ["video", "audio", "image"])
async def test_a_file_arrives_whole_under_its_name_and_is_finalized(
    double, client, talk, asset_type
):
    asset_id = await client.add_file(talk, asset_type)
    upload = double.uploads[asset_id]
    assert upload.content == talk.read_bytes()
    assert (upload.asset_type, upload.name, upload.final) == (asset_type, "talk.mp4", True)


async def test_the_store_gets_a_declared_length_and_never_the_key(double, client, talk):
    await client.add_file(talk, "video")
    [form] = [seen for seen in double.seen if seen.path == "/store/uploads"]
    assert int(form.headers["content-length"]) > talk.stat().st_size
    assert "authorization" not in form.headers
    assert KEY not in str(form)


async def test_progress_is_told_in_bytes_up_to_the_whole(client, talk):
    told = []
    await client.add_file(talk, "video", on_progress=lambda sent, size: told.append((sent, size)))
    size = talk.stat().st_size
    assert told == [(PIECE, size), (2 * PIECE, size), (3 * PIECE, size), (size, size)]


@pytest.mark.parametrize("name", ['a"b.mp4', "Grüße 語.mp4", "a b\u202e.mp4"])
async def test_any_file_name_survives_the_form(double, client, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"x")
    upload = double.uploads[await client.add_file(path, "video")]
    assert upload.content == b"x"
    assert upload.name.replace("%22", '"') == name


async def test_an_empty_file_is_sent_as_it_is(double, client, tmp_path):
    path = tmp_path / "empty.mp4"
    path.touch()
    assert double.uploads[await client.add_file(path, "video")].content == b""


async def test_a_file_is_sent_once_whatever_it_is_called(double, client, talk, tmp_path):
    first = await client.add_file(talk, "video")
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(talk.read_bytes())
    assert await client.add_file(copy, "video") == first
    assert double.calls("POST", "/store/uploads") == 1
    assert await client.add_file(talk, "audio") != first


async def test_a_file_is_sent_again_when_the_engine_has_lost_it(double, client, talk):
    first = await client.add_file(talk, "video")
    del double.uploads[first]
    assert await client.add_file(talk, "video") in double.uploads


async def test_without_a_ledger_every_call_uploads(double, talk):
    async with MosaicClient(double.url, KEY) as client:
        assert await client.add_file(talk, "video") != await client.add_file(talk, "video")


async def test_a_file_over_the_limit_is_refused_before_it_is_sent(double, client, talk):
    double.max_bytes["video"] = PIECE
    with pytest.raises(TooLarge, match=r"talk\.mp4 has 0\.8 MB; the engine takes 0\.3 MB"):
        await client.add_file(talk, "video")
    assert double.calls("POST", "/store/uploads") == 0


@pytest.mark.parametrize("ledger", [True, False])
async def test_a_missing_file_is_named_before_anything_is_asked(double, client, tmp_path, ledger):
    if not ledger:
        client.ledger = None
    with pytest.raises(MediaError, match=r"gone\.mp4 cannot be read: No such file"):
        await client.add_file(tmp_path / "gone.mp4", "video")
    assert double.calls("POST", "get_upload_url") == 0


@pytest.mark.parametrize("change", ["cut", "longer", "other"])
async def test_a_file_that_changes_while_it_is_sent_is_not_finalized(double, client, talk, change):
    def changing(sent: int, size: int) -> None:
        if sent != PIECE:
            return
        if change == "cut":
            os.truncate(talk, PIECE)
        elif change == "longer":
            with talk.open("ab") as file:
                file.write(b"more")
        else:
            os.utime(talk, (1, 1))

    with pytest.raises(MediaError, match="was changed while it was sent"):
        await client.add_file(talk, "video", on_progress=changing)
    assert double.calls("POST", "finalize_upload") == 0


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        ({"kind": "broken"}, EngineUnavailable, "broke off"),
        ({"kind": "answer", "status": 403}, EngineUnavailable, "refused with status 403"),
        ({"kind": "answer", "status": 413}, TooLarge, "too large"),
        (
            {"kind": "answer", "status": 400, "body": b"<Code>EntityTooLarge</Code>"},
            TooLarge,
            "too large",
        ),
    ],
)
async def test_a_refusal_of_the_store_is_told_and_the_file_not_remembered(
    double, client, talk, fault, kind, told
):
    double.fail(path="/store/uploads", **fault)
    with pytest.raises(kind, match=told):
        await client.add_file(talk, "video")
    assert await client.add_file(talk, "video") in double.uploads


async def test_a_finalize_without_an_answer_is_looked_up_and_not_repeated(double, client, talk):
    double.fail("lost", "finalize_upload")
    asset_id = await client.add_file(talk, "video")
    assert double.uploads[asset_id].final
    assert double.calls("POST", "finalize_upload") == 1


async def test_a_finalize_that_never_arrived_has_an_unknown_outcome(double, client, talk):
    double.fail("broken", "finalize_upload")
    with pytest.raises(OutcomeUnknown):
        await client.add_file(talk, "video")
