"""Uploads over real HTTP: ticket, multipart POST, finalize, view."""

import httpx
import pytest

from mosaic_mcp.contract.uploads import UploadTicket, ViewUrl
from tests.support.media import picture, sound, video

KINDS = {
    "video": (video, "talk.mp4", 5_368_709_120),
    "audio": (sound, "voice.wav", 524_288_000),
    "image": (picture, "logo.png", 52_428_800),
}


def ticket(client: httpx.Client, kind: str) -> UploadTicket:
    answer = client.post(f"/uploads/{kind}/get_upload_url")
    assert answer.status_code == 200
    return UploadTicket.model_validate_json(answer.content)


def send(to: UploadTicket, name: str, content: bytes, **changed: str) -> httpx.Response:
    return httpx.post(
        to.upload_url,
        data={**to.upload_fields, **changed},
        files={"file": (name, content)},
        trust_env=False,
    )


def finalize(client: httpx.Client, kind: str, asset_id: str) -> httpx.Response:
    return client.post(f"/uploads/{kind}/finalize_upload", json={f"{kind}_id": asset_id})


def uploaded(client: httpx.Client, kind: str, name: str, content: bytes) -> str:
    to = ticket(client, kind)
    assert send(to, name, content).status_code == 204
    assert finalize(client, kind, to.asset_id).json() == {f"{kind}_id": to.asset_id}
    return to.asset_id


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_comes_back_as_it_was_sent(anna, tmp_path, kind):
    make, name, limit = KINDS[kind]
    content = make(tmp_path / name).read_bytes()
    assert ticket(anna, kind).max_file_size_bytes == limit
    asset_id = uploaded(anna, kind, name, content)
    answer = anna.post("/uploads/get_view_url", json={"asset_type": kind, "asset_id": asset_id})
    view = ViewUrl.model_validate_json(answer.content)
    got = httpx.get(view.signed_url, trust_env=False)
    assert got.content == content
    assert got.headers["content-type"].startswith(f"{kind}/")
    assert got.headers["content-disposition"] == f'inline; filename="{name}"'
    assert (view.thumbnail_url is None) == (kind == "audio")


def test_the_ticket_names_exactly_one_id(anna):
    sent = anna.post("/uploads/audio/get_upload_url").json()
    assert [key for key in sent if key.endswith("_id")] == ["audio_id"]


def test_a_video_has_a_thumbnail(anna, tmp_path):
    asset_id = uploaded(anna, "video", "t.mp4", video(tmp_path / "t.mp4").read_bytes())
    view = anna.post(
        "/uploads/get_view_url", json={"asset_type": "video", "asset_id": asset_id}
    ).json()
    shown = httpx.get(view["thumbnail_url"], trust_env=False)
    assert shown.headers["content-type"] == "image/jpeg", shown.text
    assert shown.content.startswith(b"\xff\xd8")


def test_finalizing_twice_changes_nothing(anna, tmp_path):
    asset_id = uploaded(anna, "image", "a.png", picture(tmp_path / "a.png").read_bytes())
    assert finalize(anna, "image", asset_id).status_code == 200


def test_finalizing_before_the_upload_is_a_400(anna):
    answer = finalize(anna, "video", ticket(anna, "video").asset_id)
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")
    assert "not uploaded yet" in answer.json()["detail"]


@pytest.mark.parametrize("asset_id", ["nope", "../../etc/passwd", "00000000-0000-0000-0000-0"])
def test_finalizing_an_unknown_upload_is_a_404(anna, asset_id):
    answer = finalize(anna, "video", asset_id)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_an_upload_is_unknown_to_other_owners(anna, ben, tmp_path):
    asset_id = uploaded(anna, "image", "a.png", picture(tmp_path / "a.png").read_bytes())
    assert finalize(ben, "image", asset_id).status_code == 404
    asked = {"asset_type": "image", "asset_id": asset_id}
    assert ben.post("/uploads/get_view_url", json=asked).status_code == 404


def test_an_upload_of_one_kind_is_unknown_as_another(anna):
    assert finalize(anna, "audio", ticket(anna, "image").asset_id).status_code == 404


def test_the_wrong_id_field_is_a_400_that_names_the_right_one(anna):
    answer = anna.post("/uploads/video/finalize_upload", json={"audio_id": "x"})
    assert answer.status_code == 400
    assert "video_id" in answer.json()["detail"]


def test_what_is_no_media_is_refused_and_may_be_sent_again(anna, studio, tmp_path):
    to = ticket(anna, "video")
    assert send(to, "talk.mp4", b"just text").status_code == 204
    answer = finalize(anna, "video", to.asset_id)
    assert answer.status_code == 400
    assert "talk.mp4" in answer.json()["detail"]
    assert not (studio.home / "uploads" / to.asset_id).exists()
    assert send(to, "talk.mp4", video(tmp_path / "v.mp4").read_bytes()).status_code == 204
    assert finalize(anna, "video", to.asset_id).status_code == 200


def test_a_file_of_another_kind_is_refused(anna, tmp_path):
    to = ticket(anna, "video")
    send(to, "voice.wav", sound(tmp_path / "voice.wav").read_bytes())
    answer = finalize(anna, "video", to.asset_id)
    assert answer.status_code == 400
    assert "audio" in answer.json()["detail"]


@pytest.mark.parametrize("field", ["key", "policy", "x-mosaic-signature"])
def test_an_upload_with_a_changed_policy_is_refused(anna, field):
    to, other = ticket(anna, "video"), ticket(anna, "video")
    answer = send(to, "a.mp4", b"x", **{field: other.upload_fields[field]})
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")


def test_a_file_over_the_limit_is_a_413_and_leaves_nothing(anna, studio):
    to = ticket(anna, "image")
    answer = send(to, "big.png", bytes(to.max_file_size_bytes + 1))
    assert answer.status_code == 413
    assert set(answer.json()) - {"remedy"} == {"detail", "error"}
    assert not [p for p in (studio.home / "uploads").iterdir() if p.name.startswith(to.asset_id)]


def test_an_upload_that_breaks_off_leaves_nothing(anna, studio):
    to = ticket(anna, "video")

    def broken():
        yield b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\n'
        yield to.upload_fields["key"].encode() + b"\r\n"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        httpx.post(
            to.upload_url,
            content=broken(),
            headers={"content-type": "multipart/form-data; boundary=b"},
            trust_env=False,
        )
    assert finalize(anna, "video", to.asset_id).status_code == 400


def test_equal_contents_share_one_file(anna, studio, tmp_path):
    content = picture(tmp_path / "c.png", colour="green").read_bytes()
    before = set((studio.home / "assets").rglob("*.png"))
    first, second = (uploaded(anna, "image", "c.png", content) for _ in range(2))
    assert first != second
    assert len(set((studio.home / "assets").rglob("*.png")) - before) == 1
