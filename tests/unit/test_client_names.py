"""What the client shows to the outside, and what it makes of names, ids, keys and links."""

import types

import pytest

import mosaic_mcp.client
from mosaic_mcp.client import expiry, safe_name
from mosaic_mcp.client.studio import _older
from mosaic_mcp.client.transport import Transport, part
from mosaic_mcp.errors import EngineUnavailable, NotFound, Unauthorized


def test_the_public_names_are_sorted_and_are_all_that_is_there():
    there = {
        name
        for name, thing in vars(mosaic_mcp.client).items()
        if not name.startswith("_") and not isinstance(thing, types.ModuleType)
    }
    assert mosaic_mcp.client.__all__ == sorted(there)


@pytest.mark.parametrize("hostile", ["", "../whoami", "a/b", "a?b=c", "a b", "ä", "a%2Fb", "-"])
def test_what_is_not_an_id_never_gets_into_a_path(hostile: str):
    with pytest.raises(NotFound, match="is not an id"):
        part(hostile)


def test_ids_go_into_a_path_as_they_are():
    assert part("7f8d9c2b-4a6e-8b3f_x") == "7f8d9c2b-4a6e-8b3f_x"


@pytest.mark.parametrize("key", ["", "mk_a b", "mk_ä", "mk_a\nb", "mk_a\r\nx: y"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_without_being_shown(key: str):
    with pytest.raises(Unauthorized) as caught:
        Transport("https://api.mosaic.so", key)
    assert key == "" or key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["", "api.mosaic.so", "ftp://api.mosaic.so", "https://", "https://a:b@x.org", "http://x:port"],
)
def test_an_address_that_is_none_is_refused_with_the_setting_to_change(url: str):
    with pytest.raises(EngineUnavailable) as caught:
        Transport(url, "mk_x")
    assert "MOSAIC_API_URL" in caught.value.remedy
    assert "a:b" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Talk - best of.mp4", "Talk - best of.mp4"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\\b:c*d?.mp4", "a-b-c-d-.mp4"),
        ("con.mp4", "_con.mp4"),
        ("LPT1", "_LPT1"),
        ("console.mp4", "console.mp4"),
        (".hidden", "hidden"),
        ("  ", "video"),
        ("", "video"),
        ("a\x00b\u202egpj.mp4", "a-b-gpj.mp4"),
        ("name. ", "name"),
    ],
)
def test_a_file_name_is_safe_on_every_system(name: str, safe: str):
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", ["x" * 300 + ".mp4", "語" * 300 + ".mp4"])
def test_a_long_name_is_cut_before_its_suffix(name: str):
    short = safe_name(name)
    assert len(short.encode()) <= 180
    assert short.endswith(".mp4")
    assert name.startswith(short.removesuffix(".mp4"))


@pytest.mark.parametrize(
    ("query", "ends"),
    [
        ("exp=1764547200&sig=x", "2025-12-01T00:00:00+00:00"),
        ("X-Goog-Date=20251124T000000Z&X-Goog-Expires=604800", "2025-12-01T00:00:00+00:00"),
        ("X-Amz-Date=20251124T000000Z&X-Amz-Expires=604800", "2025-12-01T00:00:00+00:00"),
        ("X-Goog-Date=20251124T000000Z", None),
        ("exp=soon", None),
        ("exp=99999999999999999999", None),
        ("", None),
    ],
)
def test_a_signed_link_tells_when_it_ends(query: str, ends: str | None):
    assert expiry(f"https://store.example/v.mp4?{query}") == ends


@pytest.mark.parametrize(
    ("running", "older"),
    [("0.0.9", True), ("0.1.0", False), ("0.1.0.dev3", False), ("0.2.0", False), ("1.0", False)],
)
def test_only_an_older_studio_is_replaced(monkeypatch, running: str, older: bool):
    monkeypatch.setattr("mosaic_mcp.client.studio.__version__", "0.1.0")
    assert _older(running) is older
