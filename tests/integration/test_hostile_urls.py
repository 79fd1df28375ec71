"""Addresses that would lead us where we must not go, given by callers and by an engine's answers.

The server of these tests is on 127.0.0.1, which counts as a private network; `WEB` lets its address
pass for a public one, and 127.0.0.2, the same server, not.
"""

import ipaddress

import pytest
from PIL import Image

from mosaic_mcp.client import MosaicClient, fetch_part, fetch_picture, save_file
from mosaic_mcp.client.downloads import Within
from mosaic_mcp.errors import MediaError
from tests.support.file_server import file_server
from tests.support.hosted_double import KEY
from tests.support.studio_process import running_studio

WEB = Within(allowed=lambda address: address == ipaddress.ip_address("127.0.0.1"))


@pytest.fixture(scope="module")
def serving():
    with file_server() as server:
        yield server


@pytest.fixture
def web(serving, tmp_path):
    """The server with one picture at /logo.png."""
    serving.pages.clear()
    serving.asked.clear()
    Image.new("RGB", (64, 48), "red").save(tmp_path / "logo.png")
    serving.put("/logo.png", (tmp_path / "logo.png").read_bytes(), kind="image/png")
    return serving


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "0.0.0.0",
        "[::]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
    ],
)
def test_the_studio_fetches_no_asset_from_a_private_address(local, web, host):
    answer = local.post(
        "/studio/v1/urls", json={"url": web.url("/logo.png", host), "asset_type": "image"}
    )
    assert answer.status_code == 400, answer.text
    assert "private network" in answer.json()["detail"]
    assert web.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a.png",
        "gopher://example.org/_x",
        "data:image/png;base64,AAAA",
        "http://",
        "http://[::1",
        "http://0177.0.0.1/x",
        "http://a b/",
        "http://example.org:99999/x",
        "http://\x00/",
        "//example.org/x",
        "",
    ],
)
def test_what_is_no_web_address_is_refused(local, url):
    answer = local.post("/studio/v1/urls", json={"url": url, "asset_type": "image"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"]


def test_where_the_owner_allows_it_the_studio_fetches_an_asset(tmp_path, web):
    with (
        running_studio(tmp_path / "home", MOSAIC_PRIVATE_URLS="1") as studio,
        studio.client() as client,
    ):
        body = {"url": web.url("/logo.png"), "asset_type": "image"}
        first, second = (client.post("/studio/v1/urls", json=body) for _ in range(2))
        lying = client.post("/studio/v1/urls", json={**body, "asset_type": "video"})
    assert (first.json()["name"], first.json()["facts"]["width"]) == ("logo.png", 64)
    assert second.json()["asset_id"] == first.json()["asset_id"]
    assert lying.status_code == 400
    assert "not a video" in lying.json()["detail"]


async def test_an_address_for_the_hosted_engine_is_fetched_under_the_same_checks(double, web):
    async with MosaicClient(double.url, KEY) as client:
        with pytest.raises(MediaError, match="private network"):
            await client.add_url(web.url("/logo.png"), "image")
        assert web.asked == []
    async with MosaicClient(double.url, KEY, private_urls=True) as client:
        assert await client.add_url(web.url("/logo.png"), "image")
    assert [asked.path for asked in web.asked] == ["/logo.png"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_an_engines_link_does_not_redirect_into_a_private_network(web, tmp_path, status):
    web.put("/secret", b"secret", kind="image/png")
    link = web.put("/v", status=status, headers={"location": web.url("/secret", "127.0.0.2")})
    folder = tmp_path / "kept"
    for fetching in (
        save_file(link, folder, "a.mp4", within=WEB),
        fetch_picture(link, within=WEB),
        fetch_part(link, 0, 10, within=WEB),
    ):
        with pytest.raises(MediaError, match="private network"):
            await fetching
    assert {asked.path for asked in web.asked} == {"/v"}
    assert list(folder.iterdir()) == []


async def test_an_engines_link_into_a_private_network_is_not_followed(web, tmp_path):
    engine = Within(engine="http://127.0.0.1:1")  # its own port is another origin
    with pytest.raises(MediaError, match="private network"):
        await save_file(web.url("/logo.png"), tmp_path, "a.png", within=engine)
    assert web.asked == []


async def test_a_proxy_of_the_environment_does_not_open_hosts_that_bypass_it(
    web, tmp_path, monkeypatch
):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.2")
    with pytest.raises(MediaError, match="private network"):
        await fetch_picture(web.url("/logo.png", "127.0.0.2"))
    assert web.asked == []
