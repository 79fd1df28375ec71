"""Local files, transcripts and pictures of videos over real HTTP."""

import io

import pytest
from PIL import Image

from mosaic_mcp.contract.extensions import Asset, Tiles, Transcript
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES
from tests.support.media import sound, video

V1 = "/studio/v1"
SRT = """1
00:00:00,000 --> 00:00:00,900
Cats sleep all day.

2
00:00:01,000 --> 00:00:01,900
Dogs like to run.
"""


@pytest.fixture(scope="module")
def talk(studio, tmp_path_factory):
    """`(asset, path)` of a local video of two seconds."""
    path = video(tmp_path_factory.mktemp("media") / "talk.mp4")
    with studio.client() as client:
        yield take(client, path), path


def take(client, path, asset_type="video") -> Asset:
    answer = client.post(f"{V1}/files", json={"path": str(path), "asset_type": asset_type})
    assert answer.status_code == 200, answer.text
    return Asset.model_validate_json(answer.content)


def test_the_probe_says_who_may_hand_over_files(local, anna):
    assert local.get(V1).json()["local_files"] is True
    assert anna.get(V1).json() == {
        "name": "mosaic-studio",
        "version": local.get(V1).json()["version"],
        "local_files": False,
    }


def test_every_tile_has_a_standing_and_a_note_where_it_is_not_exact(anna):
    tiles = Tiles.model_validate_json(anna.get(f"{V1}/tiles").content).tiles
    assert [t.name for t in tiles] == [t.name for t in TILE_TYPES]
    assert all(t.note for t in tiles if t.standing != "exact")
    clips = next(t for t in tiles if t.name == "Clips")
    assert "num_clips" in clips.params["properties"]


def test_a_local_file_is_taken_without_a_copy(studio, talk):
    asset, path = talk
    assert asset.facts is not None
    assert asset.facts.duration_s == pytest.approx(2, abs=0.1)
    assert (asset.facts.width, asset.facts.height) == (160, 120)
    assert asset.facts.size_bytes == path.stat().st_size
    kept = next((studio.home / "assets").rglob(f"{asset.sha256}.mp4"))
    assert kept.samefile(path)


def test_the_same_file_is_the_same_asset(local, talk):
    asset, path = talk
    assert take(local, path).asset_id == asset.asset_id


def test_only_the_user_of_this_machine_hands_over_files(anna, talk):
    answer = anna.post(f"{V1}/files", json={"path": str(talk[1])})
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")


@pytest.mark.parametrize("path", ["talk.mp4", "/nope/talk.mp4", "/dev/zero", "/tmp", "a\0b"])
def test_what_is_no_file_is_refused(local, path):
    answer = local.post(f"{V1}/files", json={"path": path})
    assert answer.status_code == 400, answer.text


def test_a_sound_is_not_taken_as_a_video(local, tmp_path):
    answer = local.post(f"{V1}/files", json={"path": str(sound(tmp_path / "a.wav"))})
    assert answer.status_code == 400
    assert "audio" in answer.json()["detail"]


def test_a_file_that_was_written_to_since_is_refused(local, tmp_path):
    path = video(tmp_path / "changing.mp4", seconds=1)
    asset = take(local, path)
    with path.open("ab") as file:
        file.write(b"more")
    answer = local.get(f"{V1}/videos/{asset.asset_id}/frame")
    assert answer.status_code == 400
    assert "changed" in answer.json()["detail"]


def test_a_brought_transcript_is_read_as_the_users(local, talk):
    url = f"{V1}/videos/{talk[0].asset_id}/transcript"
    assert local.put(url, json={"text": SRT, "format": "srt"}).status_code == 200
    said = Transcript.model_validate_json(local.get(url).content)
    assert " ".join(w.text for w in said.words) == "Cats sleep all day. Dogs like to run."
    assert said.source in ("user", "aligned")
    assert said.reliable
    times = [(w.start_s, w.end_s) for w in said.words]
    assert times == sorted(times)
    assert times[-1][1] <= 2


@pytest.mark.parametrize(
    ("body", "language"),
    [
        ({"text": SRT}, "en"),
        ({"text": SRT, "language": "GER"}, "de"),
        ({"text": SRT.replace("Cats sleep", "Qwerty").replace("Dogs like to", "Asdf")}, "und"),
        (
            {"text": "WEBVTT\nLanguage: de\n\n00:00.000 --> 00:01.000\nHallo.", "format": "vtt"},
            "de",
        ),
    ],
)
def test_a_brought_transcript_has_the_language_that_it_is_in(local, talk, body, language):
    answer = local.put(f"{V1}/videos/{talk[0].asset_id}/transcript", json=body)
    said = Transcript.model_validate_json(answer.content)
    assert said.language == language
    assert ("only English is timed by the sound" in said.note) is (language != "en")


def test_a_language_that_is_none_is_refused(local, talk):
    url = f"{V1}/videos/{talk[0].asset_id}/transcript"
    answer = local.put(url, json={"text": SRT, "language": "Klingon"})
    assert answer.status_code == 400
    assert "pt-BR" in answer.json()["detail"]


def test_a_transcript_wins_over_what_was_recognised_before_it_was_brought(local, tmp_path):
    asset = take(local, video(tmp_path / "heard.mp4", seconds=1))
    url = f"{V1}/videos/{asset.asset_id}/transcript"
    recognised = [local.get(url).json() for _ in range(2)]
    assert recognised[0] == recognised[1]
    assert recognised[0]["source"] not in ("user", "none")
    local.put(url, json={"text": SRT}).raise_for_status()
    said = local.get(url).json()
    assert (said["source"], said["reliable"]) == ("user", True)
    assert said["words"][0]["text"] == "Cats"


def test_a_brought_transcript_stays_when_the_same_file_is_handed_over_again(local, tmp_path):
    file = video(tmp_path / "again.mp4")
    asset = take(local, file)
    url = f"{V1}/videos/{asset.asset_id}/transcript"
    assert local.put(url, json={"text": SRT, "format": "srt"}).status_code == 200
    assert take(local, file).asset_id == asset.asset_id
    said = Transcript.model_validate_json(local.get(url).content)
    assert " ".join(w.text for w in said.words) == "Cats sleep all day. Dogs like to run."


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"query": "RUN dogs"}, "Dogs like to run."),
        ({"query": "birds"}, ""),
        ({"end_s": 0.95}, "Cats sleep all day."),
        ({"start_s": 0.95}, "Dogs like to run."),
    ],
)
def test_a_part_of_a_transcript_is_whole_sentences(local, talk, query, text):
    url = f"{V1}/videos/{talk[0].asset_id}/transcript"
    local.put(url, json={"text": SRT})
    said = local.get(url, params=query).json()["words"]
    assert " ".join(w["text"] for w in said) == text


def test_a_long_transcript_comes_in_pages(local, tmp_path):
    asset = take(local, video(tmp_path / "long.mp4", seconds=3))
    cues = "\n\n".join(f"{n}\n{_cue(2 * n)} --> {_cue(2 * n + 2)}\nw{n}." for n in range(1, 1200))
    url = f"{V1}/videos/{asset.asset_id}/transcript"
    assert local.put(url, json={"text": cues}).status_code == 200
    words, cursor = [], None
    while True:
        page = local.get(url, params={"cursor": cursor} if cursor else {}).json()
        assert 0 < len(page["words"]) <= 500
        words += [w["text"] for w in page["words"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert words == [f"w{n}." for n in range(1, 1200)]


def _cue(ms: int) -> str:
    return f"00:00:{ms // 1000:02},{ms % 1000:03}"


@pytest.mark.parametrize("body", [{"text": "no cues here"}, {"text": SRT, "format": "doc"}, {}])
def test_a_transcript_without_cues_is_refused(local, talk, body):
    answer = local.put(f"{V1}/videos/{talk[0].asset_id}/transcript", json=body)
    assert answer.status_code == 400


def test_a_frame_is_the_picture_at_that_time(local, talk):
    url = f"{V1}/videos/{talk[0].asset_id}/frame"
    first, later = (local.get(url, params={"at": at}) for at in (0, 1.5))
    assert first.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(first.content)).size == (160, 120)
    assert first.content != later.content


def test_a_frame_behind_the_end_is_a_400_that_tells_the_length(local, talk):
    answer = local.get(f"{V1}/videos/{talk[0].asset_id}/frame", params={"at": 60})
    assert answer.status_code == 400
    assert "2.0" in answer.json()["detail"]


def test_a_sheet_grows_with_its_frames(local, talk):
    url = f"{V1}/videos/{talk[0].asset_id}/sheet"
    sizes = {
        n: Image.open(io.BytesIO(local.get(url, params={"frames": n}).content)).size for n in (1, 9)
    }
    assert sizes[1] != sizes[9]


@pytest.mark.parametrize("query", ["frames=0", "frames=25", "frames=x"])
def test_a_sheet_of_too_many_frames_is_a_400(local, talk, query):
    assert local.get(f"{V1}/videos/{talk[0].asset_id}/sheet?{query}").status_code == 400


@pytest.mark.parametrize("path", ["transcript", "sheet", "frame"])
@pytest.mark.parametrize("kind", ["videos", "renders"])
def test_a_video_is_unknown_to_other_owners(anna, talk, kind, path):
    assert anna.get(f"{V1}/{kind}/{talk[0].asset_id}/{path}").status_code == 404


def test_an_unknown_render_is_a_404(local):
    assert local.get(f"{V1}/renders/nope").status_code == 404
