from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mosaic_mcp.errors import InvalidRequest, TooLarge
from mosaic_mcp.studio.receive import UploadForm

FORM = "multipart/form-data; boundary=b"


def body(*parts: tuple[str, str | None, bytes], end: bytes = b"--b--\r\n") -> bytes:
    text = b""
    for name, filename, data in parts:
        disposition = f'form-data; name="{name}"'
        if filename is not None:
            disposition += f'; filename="{filename}"'
        text += f"--b\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + data + b"\r\n"
    return text + end


async def chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def receive(path: Path, sent: bytes, *, size: int = 9, limit: int = 1 << 30, form=FORM):
    """`(fields, name)` of a body that arrives in chunks of `size`."""
    upload = UploadForm(form, chunks(sent, size))
    return dict(await upload.fields()), await upload.save(path, limit)


@pytest.mark.parametrize("size", [1, 7, 100_000_000])
async def test_fields_and_file_survive_any_cut_into_chunks(tmp_path, size):
    content = bytes(range(256)) * 9 + b"\r\n--bb\r\n"
    sent = body(("key", None, b"k"), ("policy", None, b"p"), ("file", "talk.mp4", content))
    fields, name = await receive(tmp_path / "f", sent, size=size)
    assert (fields, name) == ({"key": "k", "policy": "p"}, "talk.mp4")
    assert (tmp_path / "f").read_bytes() == content


async def test_an_empty_file_is_received(tmp_path):
    await receive(tmp_path / "f", body(("file", "a", b"")))
    assert (tmp_path / "f").read_bytes() == b""


async def test_a_file_of_several_flushes_is_written_whole(tmp_path):
    content = b"0123456789abcdef" * 200_000
    await receive(tmp_path / "f", body(("file", "a", content)), size=65_536)
    assert (tmp_path / "f").read_bytes() == content


async def test_a_file_over_its_limit_is_refused(tmp_path):
    await receive(tmp_path / "f", body(("file", "a", b"x" * 10)), limit=10)
    with pytest.raises(TooLarge):
        await receive(tmp_path / "f", body(("file", "a", b"x" * 11)), limit=10)


async def test_the_fields_are_known_before_the_rest_of_the_file_arrives():
    sent = body(("key", None, b"k"), ("file", "a", b"x" * 1000))
    arrived = 0

    async def counted():
        nonlocal arrived
        async for chunk in chunks(sent, 10):
            arrived += len(chunk)
            yield chunk

    assert await UploadForm(FORM, counted()).fields() == {"key": "k"}
    assert arrived < 200


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", body(("file", "a", b"x"))),
        (FORM, b""),
        (FORM, b"nonsense"),
        (FORM, body(("key", None, b"k"))),
        (FORM, body(("file", "a", b"x"), end=b"")),
        (FORM, body(("file", "a", b"x"), ("key", None, b"k"))),
        (FORM, body(("key", None, b"k" * 100_000), ("file", "a", b"x"))),
        (FORM, body(*(("k" + str(n), None, b"k") for n in range(40)), ("file", "a", b"x"))),
    ],
)
async def test_a_body_that_is_no_such_form_is_refused(tmp_path, content_type, data):
    with pytest.raises(InvalidRequest):
        await receive(tmp_path / "f", data, form=content_type)


@pytest.mark.parametrize("sent", ["/etc/talk.mp4", "C:\\\\clips\\\\talk.mp4", "../talk.mp4"])
async def test_only_the_last_part_of_a_sent_path_is_the_name(tmp_path, sent):
    _, name = await receive(tmp_path / "f", body(("file", sent, b"x")))
    assert name == "talk.mp4"
