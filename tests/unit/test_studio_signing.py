from urllib.parse import parse_qs, urlsplit

import pytest

from mosaic_mcp.errors import Forbidden, InvalidRequest, NotFound
from mosaic_mcp.studio.signing import (
    OUTPUT_LINK_S,
    UPLOAD_S,
    Links,
    Signer,
    UploadPolicy,
    load_key,
)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def links(clock: Clock) -> Links:
    return Links("http://127.0.0.1:1", Signer(b"k" * 32, clock))


def parts(url: str) -> tuple[str, str, str]:
    split = urlsplit(url)
    query = parse_qs(split.query)
    return split.path, query["exp"][0], query["sig"][0]


def test_an_output_link_works_for_seven_days(links, clock):
    path, exp, sig = parts(links.render("r1", "video.mp4"))
    clock.now += 7 * 24 * 3600 - 1
    links.check(path, exp, sig)
    clock.now += 1
    with pytest.raises(Forbidden, match="ended"):
        links.check(path, exp, sig)
    assert OUTPUT_LINK_S == 604_800


def test_a_view_link_works_for_one_hour(links, clock):
    path, exp, sig = parts(links.asset("a1"))
    clock.now += 3599
    links.check(path, exp, sig)
    clock.now += 1
    with pytest.raises(Forbidden):
        links.check(path, exp, sig)


@pytest.mark.parametrize("part", range(3))
def test_a_changed_link_is_refused(links, part):
    changed = list(parts(links.render("r1", "video.mp4")))
    changed[part] = {0: "/media/renders/r2/video.mp4", 1: "9999999999", 2: "A" * 43}[part]
    with pytest.raises(Forbidden, match="signature"):
        links.check(*changed)


@pytest.mark.parametrize("exp", ["", "x", "-1", "1e9", "٣", "9" * 400])
def test_an_end_that_is_no_number_is_refused(links, exp):
    path, _, sig = parts(links.render("r1", "video.mp4"))
    with pytest.raises(Forbidden):
        links.check(path, exp, sig)


def test_a_link_of_another_key_is_refused(links, clock):
    other = Links("http://127.0.0.1:1", Signer(b"o" * 32, clock))
    with pytest.raises(Forbidden):
        links.check(*parts(other.render("r1", "video.mp4")))


def test_an_upload_policy_names_its_asset_and_limit(links):
    url, fields = links.upload("video", "v1", 5)
    assert url.startswith("http://127.0.0.1:1/")
    assert links.check_upload(fields) == UploadPolicy("video", "v1", 5)


@pytest.mark.parametrize("field", ["key", "policy", "x-mosaic-signature"])
def test_an_upload_with_a_changed_or_missing_field_is_refused(links, field):
    _, fields = links.upload("video", "v1", 5)
    _, others = links.upload("video", "v2", 5000)
    with pytest.raises(InvalidRequest):
        links.check_upload({**fields, field: others[field]})
    with pytest.raises(InvalidRequest):
        links.check_upload({k: v for k, v in fields.items() if k != field})


def test_an_upload_policy_ends_after_one_hour(links, clock):
    _, fields = links.upload("video", "v1", 5)
    clock.now += UPLOAD_S
    with pytest.raises(NotFound, match="ended"):
        links.check_upload(fields)


def test_a_links_signature_does_not_serve_as_a_policys(links):
    path, exp, sig = parts(links.render("r1", "video.mp4"))
    with pytest.raises(InvalidRequest):
        links.check_upload({"policy": f"{path}\n{exp}", "x-mosaic-signature": sig})


def test_the_key_is_made_once_and_is_its_users_alone(tmp_path):
    path = tmp_path / "secret.key"
    key = load_key(path)
    assert len(key) == 32
    assert load_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
