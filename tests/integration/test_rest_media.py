"""Signed links over real HTTP, as players and browsers use them."""

import httpx
import pytest

from tests.support.media import picture


@pytest.fixture(scope="module")
def file(studio, tmp_path_factory):
    """`(signed link, content)` of an uploaded picture."""
    content = picture(tmp_path_factory.mktemp("media") / "p.png").read_bytes()
    with studio.client() as client:
        to = client.post("/uploads/image/get_upload_url").json()
        files = {"file": ('a "b"/Ü<x>.png', content)}
        sent = client.post(to["upload_url"], data=to["upload_fields"], files=files)
        assert sent.status_code == 204
        client.post("/uploads/image/finalize_upload", json={"image_id": to["image_id"]})
        asked = {"asset_type": "image", "asset_id": to["image_id"]}
        return client.post("/uploads/get_view_url", json=asked).json()["signed_url"], content


def get(link: str, **headers: str) -> httpx.Response:
    return httpx.get(link, headers=headers, trust_env=False)


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=10-19", slice(10, 20)),
        ("bytes=50-", slice(50, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=5-99999999", slice(5, None)),
    ],
)
def test_a_range_is_answered_with_its_bytes(file, wanted, part):
    link, content = file
    answer = get(link, range=wanted)
    start, stop, _ = part.indices(len(content))
    assert (answer.status_code, answer.content) == (206, content[part])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(content)}"


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=-0", "bytes=0-1,99999999-"])
def test_a_range_behind_the_end_is_a_416_with_the_size(file, wanted):
    link, content = file
    answer = get(link, range=wanted)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(content)}"
    assert set(answer.json()) - {"remedy"} == {"detail", "error"}


@pytest.mark.parametrize("wanted", ["bytes", "bytes=", "lines=1-2", "bytes=b-c", "bytes=5-2", "-"])
def test_a_malformed_range_is_a_400_in_our_form(file, wanted):
    answer = get(file[0], range=wanted)
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")


def test_head_tells_size_and_type_without_the_bytes(file):
    link, content = file
    answer = httpx.head(link, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.content == b""


def test_a_download_goes_on_only_while_the_etag_fits(file):
    link, content = file
    etag = get(link).headers["etag"]
    assert get(link, range="bytes=5-", **{"if-range": etag}).status_code == 206
    assert get(link, range="bytes=5-", **{"if-range": '"old"'}).content == content


def test_a_name_from_a_user_cannot_break_the_header(file):
    disposition = get(file[0]).headers["content-disposition"]
    assert disposition.startswith("inline; filename*=utf-8''")
    assert "<" not in disposition
    assert "/" not in disposition


def test_a_browser_may_not_run_what_it_gets(file):
    headers = get(file[0]).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]


@pytest.mark.parametrize("change", [lambda u: u[:-2] + "AA", lambda u: u.replace("exp=", "exp=9")])
def test_a_changed_link_is_a_403(file, change):
    answer = get(change(file[0]))
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")


def test_a_link_without_signature_is_a_403(file):
    assert get(file[0].partition("?")[0]).status_code == 403


def test_a_signature_for_one_file_does_not_open_another(file):
    assert get(file[0].replace("/source", "/thumbnail.jpg")).status_code == 403
