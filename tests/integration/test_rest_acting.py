"""A server process that acts for people elsewhere, at the studio's REST API."""

import pytest

from mosaic_mcp.contract.extensions import LINKS_HEADER, OWNER_HEADER
from tests.support.media import video


@pytest.fixture
def acting(studio):
    def client(owner: str, key: str | None = None):
        made = studio.client(key)
        made.headers.update({OWNER_HEADER: owner, LINKS_HEADER: "https://video.example.org"})
        return made

    return client


def test_rows_belong_to_whom_it_acts_for(acting, local):
    with acting("cleo") as cleo, acting("dora") as dora:
        agent = cleo.post("/agent/create", json={"name": "hers"}).json()["agent_id"]
        assert cleo.get(f"/agent/{agent}").status_code == 200
        assert dora.get(f"/agent/{agent}").status_code == 404
        assert local.get(f"/agent/{agent}").status_code == 404
        assert cleo.get("/whoami").json()["organization_name"] == "cleo"


def test_a_key_may_not_act_for_another_owner_nor_be_taken_for_its_own(acting):
    with acting("anna", "mk_ben") as ben:
        told = ben.get("/agents")
    assert (told.status_code, told.json()["error"]) == (403, "forbidden")


def test_it_may_hand_over_files_and_its_links_begin_elsewhere(acting, studio, tmp_path):
    path = str(video(tmp_path / "a.mp4"))
    with acting("cleo") as cleo:
        taken = cleo.post("/studio/v1/files", json={"path": path}).json()
        asked = {"asset_type": "video", "asset_id": taken["asset_id"]}
        links = cleo.post("/uploads/get_view_url", json=asked).json()
        for link in (links["signed_url"], links["thumbnail_url"]):
            assert link.startswith("https://video.example.org/media/assets/")
            here = link.removeprefix("https://video.example.org")
            assert cleo.get(here).status_code == 200
        ticket = cleo.post("/uploads/video/get_upload_url").json()
        assert ticket["upload_url"] == "https://video.example.org/media/uploads"


def test_it_may_not_end_the_studio(acting):
    with acting("cleo") as cleo:
        assert cleo.post("/studio/v1/shutdown").status_code == 403
