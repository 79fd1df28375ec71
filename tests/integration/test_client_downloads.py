"""Outputs on their way to a folder: whole or not at all, under a name of their own."""

import pytest

from mosaic_mcp.client import MosaicClient, downloads, fetch_part, save_file, save_output
from mosaic_mcp.contract.runs import RunRequest
from mosaic_mcp.errors import EngineUnavailable, MediaError, NotFound, TooLarge
from tests.support.hosted_double import KEY, golden
from tests.support.hosted_state import file_content

AGENT = golden("docs/agent")["agent"]["id"]


@pytest.fixture
async def client(double):
    async with MosaicClient(double.url, KEY) as connected:
        yield connected


@pytest.fixture
async def finished(client):
    """A run with one output: both ids."""
    request = RunRequest(video_urls=("https://example.org/talk.mp4",))
    run_id = (await client.run(AGENT, request)).run_id
    return run_id, (await client.get_run(run_id)).outputs[0].id


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "kept" / "here"


def fetches(double) -> list:
    return [seen for seen in double.seen if seen.path.endswith(".mp4")]


async def test_an_output_is_saved_whole_without_the_key(double, client, finished, folder):
    path = await save_output(client, *finished, folder, "Clip 1.mp4")
    assert path == folder / "Clip 1.mp4"
    assert path.read_bytes() == file_content(finished[1])
    assert [p.name for p in folder.iterdir()] == ["Clip 1.mp4"]
    assert "authorization" not in fetches(double)[0].headers


async def test_an_output_that_the_run_does_not_have_is_named(client, finished, folder):
    with pytest.raises(NotFound, match="no output 'other'"):
        await save_output(client, finished[0], "other", folder, "x.mp4")


async def test_a_broken_download_goes_on_where_it_broke_off(double, client, finished, folder):
    double.fail("cut", ".mp4", keep=100_000)
    path = await save_output(client, *finished, folder, "a.mp4")
    assert path.read_bytes() == file_content(finished[1])
    assert [seen.headers.get("range") for seen in fetches(double)] == [None, "bytes=100000-"]


async def test_a_link_that_ends_meanwhile_is_read_again_and_the_rest_fetched(
    double, client, finished, folder, monkeypatch
):
    summary = double._summary

    def ending(run):
        """Every link ends as soon as the next one is given out."""
        double.links += 1
        return summary(run)

    double.fail("cut", ".mp4", keep=100_000)
    double.fail("answer", ".mp4", status=400, body=b"<Code>ExpiredToken</Code>")
    monkeypatch.setattr(double, "_summary", ending)
    path = await save_output(client, *finished, folder, "a.mp4")
    assert path.read_bytes() == file_content(finished[1])
    links = [(seen.query[-5:], seen.headers.get("range")) for seen in fetches(double)]
    assert links == [
        ("sig=1", None),
        ("sig=1", "bytes=100000-"),
        ("sig=2", "bytes=100000-"),
    ]


async def test_a_link_that_has_ended_says_where_a_fresh_one_is(double, client, finished, folder):
    link = (await client.get_run(finished[0])).outputs[0].video_url
    double.links += 1
    with pytest.raises(EngineUnavailable, match="status 400") as caught:
        await save_file(link, folder, "a.mp4", within=client.within)
    assert "list_outputs" in caught.value.remedy
    assert list(folder.iterdir()) == []


async def test_a_download_that_keeps_breaking_leaves_nothing(double, client, finished, folder):
    double.fail("broken", ".mp4", times=9)
    with pytest.raises(EngineUnavailable, match="broke off"):
        await save_output(client, *finished, folder, "a.mp4")
    assert len(fetches(double)) == 3
    assert list(folder.iterdir()) == []


async def test_an_ill_store_is_asked_again_and_then_reported(double, client, finished, folder):
    double.fail("answer", ".mp4", status=503, times=2)
    await save_output(client, *finished, folder, "a.mp4")
    double.fail("answer", ".mp4", status=503, times=3)
    with pytest.raises(EngineUnavailable, match="status 503"):
        await save_output(client, *finished, folder, "b.mp4")


async def test_a_file_that_changed_at_the_store_is_fetched_from_its_start(
    double, client, finished, folder
):
    double.fail("cut", ".mp4", keep=100_000)
    double.fail("answer", ".mp4", status=416)
    path = await save_output(client, *finished, folder, "a.mp4")
    assert path.read_bytes() == file_content(finished[1])


async def test_a_file_without_a_version_is_fetched_from_its_start(
    double, client, finished, folder, monkeypatch
):
    headers = {"etag": 'W/"weak"', "content-length": "300000"}
    double.fail("answer", ".mp4", status=200, body=b"begin", headers=headers)
    path = await save_output(client, *finished, folder, "a.mp4")
    assert path.read_bytes() == file_content(finished[1])
    assert fetches(double)[1].headers.get("range") is None


async def test_a_part_that_was_not_asked_for_is_not_put_together(double, client, finished, folder):
    double.fail("cut", ".mp4", keep=100_000)
    wrong = {"content-range": "bytes 5-9/300000", "etag": f'"{finished[1]}"'}
    double.fail("answer", ".mp4", status=206, body=b"wrong", headers=wrong)
    path = await save_output(client, *finished, folder, "a.mp4")
    assert path.read_bytes() == file_content(finished[1])


async def test_a_download_beyond_the_limit_is_ended(double, client, finished, folder, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_FILE", 1000)
    with pytest.raises(TooLarge):
        await save_output(client, *finished, folder, "a.mp4")
    assert list(folder.iterdir()) == []


async def test_a_local_file_is_copied(tmp_path, folder):
    source = tmp_path / "render.mp4"
    source.write_bytes(b"video")
    path = await save_file(str(source), folder, "../My: clip.mp4")
    assert (path.name, path.read_bytes()) == ("My- clip.mp4", b"video")


async def test_another_file_of_the_name_is_kept_and_an_equal_one_is_the_answer(tmp_path, folder):
    source = tmp_path / "render.mp4"
    names = []
    for content in (b"one", b"two", b"three", b"two"):
        source.write_bytes(content)
        names.append((await save_file(str(source), folder, "clip.v1.mp4")).name)
    assert names == ["clip.v1.mp4", "clip.v1 (2).mp4", "clip.v1 (3).mp4", "clip.v1 (2).mp4"]
    assert sorted(p.read_bytes() for p in folder.iterdir()) == [b"one", b"three", b"two"]


async def test_a_folder_of_the_name_is_not_taken_for_a_file(tmp_path, folder):
    source = tmp_path / "render.mp4"
    source.write_bytes(b"video")
    (folder / "clip.mp4").mkdir(parents=True)
    assert (await save_file(str(source), folder, "clip.mp4")).name == "clip (2).mp4"


async def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match="could not be written") as caught:
        await save_file(__file__, tmp_path / "file" / "sub", "a.py")
    assert "save_to" in caught.value.remedy


async def test_a_local_file_that_is_gone_is_not_called_a_fault_of_the_folder(tmp_path, folder):
    with pytest.raises(MediaError, match="not on this machine any more"):
        await save_file(str(tmp_path / "gone.mp4"), folder, "a.mp4")


async def test_a_part_is_those_bytes_and_the_size_of_all(double, client, finished):
    [output] = (await client.get_run(finished[0])).outputs
    whole = file_content(output.id)
    part = await fetch_part(output.video_url, 1000, 50, within=client.within)
    assert (part.content, part.total) == (whole[1000:1050], len(whole))
    last = await fetch_part(output.video_url, len(whole) - 10, 50, within=client.within)
    assert last.content == whole[-10:]
    assert "authorization" not in fetches(double)[0].headers


async def test_a_part_behind_the_end_and_an_ended_link_are_told(double, client, finished):
    [output] = (await client.get_run(finished[0])).outputs
    with pytest.raises(EngineUnavailable, match="416"):
        await fetch_part(output.video_url, 10**6, 50, within=client.within)
    double.links += 1
    with pytest.raises(EngineUnavailable, match="list_outputs"):
        await fetch_part(output.video_url, 0, 50, within=client.within)
