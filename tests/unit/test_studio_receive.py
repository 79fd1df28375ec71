from collections.abc import AsyncIterator

import pytest

from mosaic_mcp.errors import InvalidRequest, NotFound, TooLarge
from mosaic_mcp.studio.receive import receive

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


@pytest.mark.parametrize("size", [1, 7, 100_000_000])
async def test_fields_and_file_survive_any_cut_into_chunks(tmp_path, size):
    target, seen = tmp_path / "f", {}

    async def accept(fields):
        seen.update(fields)
        return target, 10_000

    content = bytes(range(256)) * 9 + b"\r\n--bb\r\n"
    form = body(("key", None, b"k"), ("policy", None, b"p"), ("file", "talk.mp4", content))
    assert await receive(FORM, chunks(form, size), accept) == "talk.mp4"
    assert target.read_bytes() == content
    assert seen == {"key": "k", "policy": "p"}


async def test_an_empty_file_is_received(tmp_path):
    async def accept(_fields):
        return tmp_path / "f", 10

    await receive(FORM, chunks(body(("file", "a", b"")), 9), accept)
    assert (tmp_path / "f").read_bytes() == b""


async def test_a_file_of_several_flushes_is_written_whole(tmp_path):
    async def accept(_fields):
        return tmp_path / "f", 1 << 30

    content = b"0123456789abcdef" * 200_000
    await receive(FORM, chunks(body(("file", "a", content)), 65_536), accept)
    assert (tmp_path / "f").read_bytes() == content


async def test_a_file_over_its_limit_is_refused(tmp_path):
    async def accept(_fields):
        return tmp_path / "f", 10

    await receive(FORM, chunks(body(("file", "a", b"x" * 10)), 9), accept)
    with pytest.raises(TooLarge):
        await receive(FORM, chunks(body(("file", "a", b"x" * 11)), 9), accept)


async def test_a_refused_policy_takes_no_byte_of_the_file(tmp_path):
    async def accept(_fields):
        raise NotFound("ended")

    with pytest.raises(NotFound):
        await receive(FORM, chunks(body(("file", "a", b"x")), 9), accept)


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
    async def accept(_fields):
        return tmp_path / "f", 10

    with pytest.raises(InvalidRequest):
        await receive(content_type, chunks(data, 9), accept)


@pytest.mark.parametrize("sent", ["/etc/talk.mp4", "C:\\\\clips\\\\talk.mp4", "../talk.mp4"])
async def test_only_the_last_part_of_a_sent_path_is_the_name(tmp_path, sent):
    async def accept(_fields):
        return tmp_path / "f", 10

    assert await receive(FORM, chunks(body(("file", sent, b"x")), 99), accept) == "talk.mp4"
