"""From words to the exact request of a run, all faults at once, nothing changed on the way."""

import hashlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from mosaic_mcp.client import Submitted
from mosaic_mcp.contract.extensions import TileInfo
from mosaic_mcp.contract.runs import RunStatus
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.errors import EngineUnavailable, InvalidRequest, MediaError
from mosaic_mcp.intent import VideoWish, look_at_files, plan_run, resolve_video, submit, submitting
from mosaic_mcp.settings import Settings
from tests.support.agents import agent
from tests.support.engines import Engine

ONE = agent(
    {
        "in": "Video Input",
        "clips": "Clips",
        "caps": "Captions",
        "logo": ("Watermark", {"logo_size": 10}),
        "out": "Destination",
    },
    name="Podcast clips",
)
TWO = agent(
    {"talk": "Video Input", "screen": "Video Input", "caps": "Captions"}, "talk>caps screen>caps"
)
GENERATION = agent({"make": "Video Generation", "out": "Destination"})
UUID = "7ba7b810-9dad-11d1-80b4-00c04fd430c8"
URL = "https://example.com/talk.mp4"
SRT = "1\n00:00:00,000 --> 00:00:01,000\nUn café\n"
VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\nUn café\n"
TUBE = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    for name in ("talk.mp4", "screen.mp4", "logo.png"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "talk.srt").write_bytes(SRT.encode())
    return tmp_path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "data", allowed_dirs=(tmp_path,))


@pytest.fixture
def posted(monkeypatch) -> list:
    """What would be posted. How it is posted once is the client's matter."""
    posted = []

    async def submit_once(client, ledger, agent_id, request, **how):
        posted.append((agent_id, request.body(), how))
        return Submitted(f"run-{len(posted)}")

    monkeypatch.setattr(submitting, "submit_once", submit_once)
    return posted


def wishes(*said: str | VideoWish) -> list[VideoWish]:
    return [VideoWish(s) if isinstance(s, str) else s for s in said]


async def plan(settings, *said, engine: Engine | None = None, **more):
    engine = engine or Engine(ONE)
    more.setdefault("agent", next(iter(engine.agents)))
    return await plan_run(engine, settings, videos=wishes(*said), **more)


async def faults(settings, *said, **more):
    with pytest.raises(InvalidRequest) as refusal:
        await plan(settings, *said, **more)
    return {f.where: f for f in refusal.value.faults}


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (URL, {"video_urls": [URL]}),
        ("youtu.be/dQw4w9WgXcQ", {"video_urls": [TUBE]}),
        (f"video:{UUID}", {"video_ids": [UUID]}),
        (f"render:{UUID}", {"node_render_ids": [UUID]}),
    ],
)
async def test_one_video_input_gets_everything_in_the_short_form(settings, said, body):
    assert await (await plan(settings, said)).preview() == body


async def test_several_videos_of_several_kinds_go_to_the_one_input(settings):
    made = await plan(settings, URL, f"render:{UUID}", f"video:{UUID}")
    assert made.body() == {"video_urls": [URL], "node_render_ids": [UUID], "video_ids": [UUID]}


async def test_a_mimir_item_is_an_asset_with_its_artifact(settings):
    engine = Engine(ONE, hosted=True)
    made = await plan(settings, VideoWish("mimir:m1", artifact="proxy"), engine=engine)
    assert made.body() == {"mimir_assets": [{"id": "m1", "artifact": "proxy"}]}


async def test_a_mimir_item_is_refused_by_the_studio_with_what_mimir_needs(settings):
    found = await faults(settings, "mimir:m1")
    assert "Settings > Integrations" in found["videos"].remedy


@pytest.mark.parametrize(
    ("known", "body"),
    [
        ({"uploads": (UUID,)}, {"video_ids": [UUID]}),
        ({"renders": {UUID: 10.0}}, {"node_render_ids": [UUID]}),
    ],
)
@pytest.mark.parametrize("hosted", [True, False])
async def test_a_bare_id_is_looked_up(settings, known, body, hosted):
    made = await plan(settings, UUID, engine=Engine(ONE, hosted=hosted, **known))
    assert made.body() == body


async def test_an_id_that_nobody_knows_is_refused(settings):
    found = await faults(settings, UUID)
    assert "neither an uploaded video nor an output" in found["videos[0]"].what
    assert "videos" not in found, "an unreadable video is not a missing one as well"


async def test_a_run_stands_for_all_its_outputs(settings):
    outputs = [SimpleNamespace(id="o1"), SimpleNamespace(id="o2")]
    runs = {
        "r1": SimpleNamespace(status=RunStatus.completed, outputs=outputs),
        "r2": SimpleNamespace(status=RunStatus.running, outputs=[]),
    }
    made = await plan(settings, "run:r1", engine=Engine(ONE, runs=runs))
    assert made.body() == {"node_render_ids": ["o1", "o2"]}
    found = await faults(settings, "run:r2", "run:r3", engine=Engine(ONE, runs=runs))
    assert "has no outputs yet" in found["videos[0]"].what
    assert "no run r3" in found["videos[1]"].what


async def test_one_part_for_all_stands_at_the_top(settings):
    made = await plan(settings, URL, TUBE, clip="first 20 minutes")
    assert made.body() == {"video_urls": [URL, TUBE], "input_clip_end_ms": 1_200_000}


async def test_parts_of_their_own_stand_in_items(settings):
    made = await plan(
        settings,
        VideoWish(URL, clip="1:30-2:45"),
        TUBE,
        VideoWish(f"render:{UUID}", clip={"start": 5}),
        clip="from 45 s",
    )
    assert made.body() == {
        "video_url_inputs": [
            {"url": URL, "input_clip_start_ms": 90_000, "input_clip_end_ms": 165_000}
        ],
        "youtube_url_inputs": [{"url": TUBE, "input_clip_start_ms": 45_000}],
        "node_render_inputs": [{"id": UUID, "input_clip_start_ms": 5_000}],
    }


async def test_several_video_inputs_are_told_apart_by_label(settings):
    made = await plan(
        settings,
        VideoWish(URL, input="camera"),
        VideoWish(TUBE, input="Video Input 2"),
        engine=Engine(TWO),
        labels=lambda agent_id: {"talk": "Camera"},
    )
    assert made.body() == {
        "video_inputs": [
            {"agent_node_id": "talk", "video_urls": [URL]},
            {"agent_node_id": "screen", "video_urls": [TUBE]},
        ]
    }


async def test_several_video_inputs_need_to_be_named(settings):
    found = await faults(settings, URL, engine=Engine(TWO))
    assert "'Video Input', 'Video Input 2'" in found["videos[0].input"].what


async def test_every_video_input_needs_a_video(settings):
    found = await faults(settings, VideoWish(URL, input="talk"), engine=Engine(TWO))
    assert "no entry for Video Input 2" in found["videos"].what


async def test_agents_that_generate_take_parameters_and_no_videos(settings):
    engine = Engine(GENERATION, hosted=True)
    made = await plan(settings, engine=engine, params={"video generation": {"prompt": "A sea"}})
    assert made.body() == {"update_params": {"make": {"prompt": "A sea"}}}
    assert "generates its own media" in (await faults(settings, URL, engine=engine))["videos"].what


async def test_nodes_and_parameters_are_named_in_words(settings):
    made = await plan(
        settings, URL, params={"clips": {"num_clips": 5}}, skip=["Captions"], callback_url=URL
    )
    assert made.body() == {
        "video_urls": [URL],
        "callback_url": URL,
        "update_params": {"clips": {"num_clips": 5}},
        "ignore_nodes": ["caps"],
    }


async def test_a_local_file_is_shown_as_path_size_and_hash_and_stays_where_it_is(
    settings, videos, posted
):
    (videos / "talk.srt").unlink()
    engine = Engine(ONE)
    made = await plan(settings, str(videos / "talk.mp4"), engine=engine)
    [shown] = (await made.preview())["video_ids"]
    assert shown == {
        "upload": {
            "path": str(videos / "talk.mp4"),
            "size_bytes": 8,
            "sha256": hashlib.sha256(b"talk.mp4").hexdigest(),
            "asset_type": "video",
        }
    }
    assert (engine.added, posted) == ([], [])


async def test_a_submitted_plan_hands_over_its_files_and_posts_their_ids(settings, videos, posted):
    engine = Engine(ONE)
    made = await plan(
        settings,
        VideoWish(str(videos / "talk.mp4"), transcript=str(videos / "talk.srt")),
        engine=engine,
        params={"watermark": {"use_custom_logo": "custom", "image_id": str(videos / "logo.png")}},
    )
    how = {"quality": "draft", "idempotency_key": "once", "from_outputs": ["o1"]}
    assert (await submit(made, engine, None, **how)).run_id == "run-1"
    assert engine.added == [(videos / "logo.png", "image"), (videos / "talk.mp4", "video")]
    assert posted == [
        (
            ONE.agent.id,
            {
                "video_ids": ["asset-2"],
                "update_params": {"logo": {"use_custom_logo": "custom", "image_id": "asset-1"}},
            },
            {"key": "once", "quality": "draft", "from_outputs": ["o1"]},
        )
    ]
    brought = (await engine.studio()).brought["asset-2"]
    assert (brought.format, brought.text) == ("srt", SRT)


async def test_the_same_file_is_handed_over_once(settings, videos, posted):
    engine = Engine(ONE)
    talk = str(videos / "talk.mp4")
    made = await plan(
        settings, VideoWish(talk, clip="first 5 s"), VideoWish(talk, clip="last 5 s"), engine=engine
    )
    await submit(made, engine, None)
    assert len(engine.added) == 1
    assert posted[0][1] == {
        "video_id_inputs": [
            {"id": "asset-1", "input_clip_end_ms": 5_000},
            {"id": "asset-1", "input_clip_start_ms": 95_000},
        ]
    }


async def test_the_last_part_of_a_file_is_shown_before_its_length_is_known(settings, videos):
    made = await plan(settings, str(videos / "talk.mp4"), clip="last 30 s")
    shown = await made.preview()
    assert shown["input_clip_start_ms"] == {"from_end_ms": 30_000}


async def test_the_last_part_of_an_output_is_known_from_the_start(settings):
    engine = Engine(ONE, renders={UUID: 61.5})
    made = await plan(settings, f"render:{UUID}", engine=engine, clip="last 30 s")
    assert made.body() == {"node_render_ids": [UUID], "input_clip_start_ms": 31_500}


async def test_the_last_part_of_an_upload_is_known_from_the_start(settings):
    engine = Engine(ONE, uploads=(UUID,))
    for said in (UUID, f"video:{UUID}"):
        made = await plan(settings, said, engine=engine, clip="last 30 s")
        assert made.body() == {"video_ids": [UUID], "input_clip_start_ms": 70_000}
    found = await faults(
        settings, UUID, engine=Engine(ONE, uploads=(UUID,), hosted=True), clip="last 30 s"
    )
    assert "length of this video is not known" in found["videos[0].clip"].what


@pytest.mark.parametrize("said", [URL, TUBE])
async def test_the_last_part_of_a_video_of_unknown_length_is_refused(settings, said):
    found = await faults(settings, said, clip="last 30 s")
    assert "length of this video is not known" in found["videos[0].clip"].what


async def test_the_last_part_of_a_file_for_the_hosted_engine_is_refused(settings, videos):
    engine = Engine(ONE, hosted=True)
    found = await faults(settings, str(videos / "talk.mp4"), engine=engine, clip="last 30 s")
    assert "not known yet" in found["videos[0].clip"].what


async def test_a_file_that_changed_after_it_was_planned_is_not_sent(settings, videos, posted):
    engine = Engine(ONE)
    made = await plan(settings, str(videos / "talk.mp4"), engine=engine)
    (videos / "talk.mp4").write_bytes(b"another video")
    with pytest.raises(InvalidRequest, match="changed"):
        await submit(made, engine, None)
    assert (engine.added, posted) == ([], [])


@pytest.mark.parametrize(
    ("said", "told", "remedy"),
    [
        (TUBE, "not at hand before the run", "Download"),
        (f"render:{UUID}", "not with an output", "Leave it out"),
    ],
)
async def test_a_transcript_goes_with_a_video_that_can_be_handed_over(
    settings, videos, said, told, remedy
):
    srt = str(videos / "talk.srt")
    made = await plan(settings, VideoWish(f"video:{UUID}", transcript=srt))
    assert list(made.transcripts) == [UUID]
    fault = (await faults(settings, VideoWish(said, transcript=srt)))["videos[0].transcript"]
    assert told in fault.what
    assert remedy in fault.remedy


async def test_a_link_with_a_transcript_is_fetched_first(settings, videos, posted):
    engine = Engine(ONE)
    wish = VideoWish(URL, clip="first 5 s", transcript=str(videos / "talk.srt"))
    made = await plan(settings, wish, engine=engine)
    shown = (await made.preview())["video_ids"][0]["upload"]
    assert (shown["url"], shown["transcript"]["path"]) == (URL, wish.transcript)
    await submit(made, engine, None)
    assert engine.fetched == [(URL, "video")]
    assert posted[0][1] == {"video_ids": ["fetched-1"], "input_clip_end_ms": 5_000}
    assert (await engine.studio()).brought["fetched-1"].text == SRT
    hosted = await plan(settings, wish, engine=Engine(ONE, hosted=True))
    assert hosted.body() == {"video_urls": [URL], "input_clip_end_ms": 5_000}


async def test_the_last_part_of_a_link_with_a_transcript_is_not_known_either(settings, videos):
    wish = VideoWish(URL, clip="last 30 s", transcript=str(videos / "talk.srt"))
    found = await faults(settings, wish)
    assert "length of this video is not known" in found["videos[0].clip"].what


async def test_the_language_in_the_name_of_a_transcript_is_sent_with_it(settings, videos, posted):
    (videos / "talk.de.srt").write_bytes(SRT.encode())
    engine = Engine(ONE)
    for name, language in (("talk.de.srt", "de"), ("talk.srt", "")):
        wish = VideoWish(f"video:{UUID}", transcript=str(videos / name))
        await submit(await plan(settings, wish, engine=engine), engine, None)
        assert (await engine.studio()).brought[UUID].language == language


BROKEN = [
    (b"\xff\xfe\x00\xd8", "UTF-8"),
    (b"caf\x81", "UTF-8"),
    (b"Just words.\n", "no timed text"),
    (SRT.encode() + b"a" * 5_000_000, "more than 5,000,000 characters"),
]


@pytest.mark.parametrize(("content", "told"), BROKEN)
async def test_a_transcript_that_is_named_and_cannot_be_used_is_a_fault(
    settings, videos, content, told
):
    srt = videos / "talk.srt"
    srt.write_bytes(content)
    found = await faults(settings, VideoWish(str(videos / "talk.mp4"), transcript=str(srt)))
    assert list(found) == ["videos[0].transcript"]
    assert told in found["videos[0].transcript"].what
    assert str(srt) in found["videos[0].transcript"].what


@pytest.mark.parametrize(("content", "told"), BROKEN)
async def test_a_file_that_only_lies_beside_and_cannot_be_used_is_left_out(
    settings, videos, posted, content, told
):
    (videos / "talk.srt").write_bytes(content)
    engine = Engine(ONE)
    made = await plan(settings, str(videos / "talk.mp4"), engine=engine)
    [warning] = made.warnings
    assert "left out" in warning
    assert 'talk.srt"' in warning
    assert told in warning
    await submit(made, engine, None)
    assert (await engine.studio()).brought == {}
    assert len(posted) == 1
    *_, why = await resolve_video(engine, str(videos / "talk.mp4"), settings)
    assert why == warning


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
async def test_subtitles_are_read_in_the_encoding_that_they_have(
    settings, videos, posted, encoding
):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (videos / "talk.srt").write_bytes((mark + SRT).encode(encoding))
    engine = Engine(ONE)
    for wish in (
        VideoWish(str(videos / "talk.mp4")),
        VideoWish(f"video:{UUID}", transcript=str(videos / "talk.srt")),
    ):
        made = await plan(settings, wish, engine=engine)
        guessed = [w for w in made.warnings if "read as Western European" in w]
        assert len(guessed) == (encoding == "cp1252")
        await submit(made, engine, None)
    assert [b.text for b in (await engine.studio()).brought.values()] == [SRT, SRT]


async def test_what_the_studio_refuses_is_a_fault_if_named_and_else_left_out(
    settings, videos, posted, monkeypatch
):
    engine = Engine(ONE)

    async def refuse(video_id, transcript):
        raise MediaError("It has too many subtitles.", remedy="Give fewer.")

    monkeypatch.setattr(await engine.studio(), "bring_transcript", refuse)
    talk, srt = str(videos / "talk.mp4"), str(videos / "talk.srt")
    named = await plan(settings, VideoWish(talk, transcript=srt), engine=engine)
    with pytest.raises(InvalidRequest) as refusal:
        await submit(named, engine, None)
    [fault] = refusal.value.faults
    assert fault.where == "videos[0].transcript"
    assert fault.what == f'"{srt}" is refused: It has too many subtitles.'
    assert posted == []
    done = await submit(await plan(settings, talk, engine=engine), engine, None)
    [warning] = done.warnings
    assert "left out" in warning
    assert srt in warning
    assert len(posted) == 1


async def test_the_hosted_engine_takes_no_transcript_and_the_plan_says_so(settings, videos):
    wish = VideoWish(str(videos / "talk.mp4"), transcript=str(videos / "talk.srt"))
    made = await plan(settings, wish, engine=Engine(ONE, hosted=True))
    assert any("takes no transcript" in w for w in made.warnings)


async def test_names_that_mosaic_does_not_confirm_are_warned_of_on_the_hosted_engine(settings):
    detail = agent({"in": "Video Input", "shape": "Reframe"})
    wish = {"params": {"Reframe": {"aspect_ratio": "1:1"}}}
    made = await plan(settings, URL, engine=Engine(detail, hosted=True), **wish)
    assert any("aspect_ratio" in w for w in made.warnings)
    assert (await plan(settings, URL, engine=Engine(detail), **wish)).warnings == ()


async def test_a_video_named_twice_is_warned_of(settings):
    made = await plan(settings, URL, URL)
    assert any("twice" in w for w in made.warnings)


async def test_all_faults_come_at_once_in_the_callers_words(settings, videos):
    found = await faults(
        settings,
        str(videos / "tlak.mp4"),
        VideoWish(URL, clip="the good bit"),
        VideoWish("ftp://x/y.mp4"),
        VideoWish(URL, artifact="proxy"),
        params={
            "Clips": {"num_clips": 99, "nmu_clips": 1},
            "Nothing": {},
            "logo": {"image_id": "gone.png"},
        },
        skip=["Caption", "Reframe"],
        callback_url="nowhere",
        clip="2:00-1:00",
    )
    assert set(found) == {
        "videos[0]",
        "videos[1].clip",
        "videos[2]",
        "videos[3].artifact",
        "params.Clips.num_clips",
        "params.Clips.nmu_clips",
        "params.Nothing",
        "params.logo.image_id",
        "skip[1]",
        "callback_url",
        "clip",
    }
    assert "Did you mean 'talk.mp4'" in found["videos[0]"].remedy
    assert "Did you mean 'num_clips'?" in found["params.Clips.nmu_clips"].remedy


async def test_an_unknown_agent_does_not_hide_the_faults_of_the_videos(settings):
    found = await faults(settings, "ftp://x/y", agent="Podcats clips", clip="never")
    assert set(found) == {"agent", "videos[0]", "clip"}
    assert "Did you mean 'Podcast clips'?" in found["agent"].remedy


async def test_a_node_named_in_two_ways_is_refused(settings):
    found = await faults(settings, URL, params={"Clips": {}, "clips": {"num_clips": 1}})
    assert "a second time" in found["params.clips"].what


async def test_protected_and_skipped_nodes_take_no_parameters(settings):
    found = await faults(settings, URL, params={"Video Input": {}, "Captions": {}}, skip=["caps"])
    assert "protected" in found["params.Video Input"].what
    assert "takes no part" in found["params.Captions"].what


async def test_no_video_is_a_fault(settings):
    assert (await faults(settings))["videos"].what == "No video is given."


async def test_an_engine_that_cannot_be_reached_is_not_a_fault_of_the_request(settings):
    class Gone(Engine):
        async def list_agents(self, **_):
            raise EngineUnavailable("No answer.")

    with pytest.raises(EngineUnavailable):
        await plan(settings, URL, engine=Gone(ONE), agent="Podcast")


async def test_an_address_given_for_a_parameter_is_shown_as_what_would_be_fetched(settings):
    picture = "https://example.com/logo.png"
    params = {"Watermark": {"use_custom_logo": "custom", "image_id": picture}}
    shown = await (await plan(settings, URL, params=params)).preview()
    assert shown["update_params"]["logo"]["image_id"] == {
        "upload": {"url": picture, "asset_type": "image"}
    }


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (f"video:{UUID}", ("videos", UUID)),
        (f"render:{UUID}", ("renders", UUID)),
        ("{videos}/talk.mp4", ("videos", "asset-1")),
        ("run:one", ("renders", "o1")),
    ],
)
async def test_a_video_to_look_at_is_found(settings, videos, said, answer):
    runs = {"one": SimpleNamespace(status=RunStatus.completed, outputs=[SimpleNamespace(id="o1")])}
    engine = Engine(ONE, runs=runs)
    assert await resolve_video(engine, said.format(videos=videos), settings) == (*answer, "")


@pytest.mark.parametrize("said", [URL, TUBE, "mimir:m"])
async def test_a_video_that_is_not_on_the_engine_cannot_be_looked_at(settings, said):
    with pytest.raises(InvalidRequest, match="not on this engine yet"):
        await resolve_video(Engine(ONE), said, settings)


async def test_the_hosted_engine_gets_the_bytes(settings, videos, posted):
    engine = Engine(ONE, hosted=True)
    talk = VideoWish(str(videos / "talk.mp4"), clip="from 1 s")
    await submit(await plan(settings, talk, engine=engine), engine, None)
    assert engine.added == [(videos / "talk.mp4", "video")]
    assert posted[0][1] == {"video_ids": ["asset-1"], "input_clip_start_ms": 1_000}


async def test_an_address_given_for_a_parameter_becomes_an_asset(settings, posted):
    engine = Engine(ONE)
    picture = "https://example.com/a/my%20logo.png?sig=1"
    params = {"Watermark": {"use_custom_logo": "custom", "image_id": picture}}
    await submit(await plan(settings, URL, engine=engine, params=params), engine, None)
    assert engine.fetched == [(picture, "image")]
    assert posted[0][1]["update_params"]["logo"]["image_id"] == "fetched-1"


async def test_a_file_that_is_gone_is_not_sent(settings, videos, posted):
    engine = Engine(ONE)
    made = await plan(settings, str(videos / "talk.mp4"), engine=engine)
    (videos / "talk.mp4").unlink()
    with pytest.raises(InvalidRequest, match="changed"):
        await submit(made, engine, None)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        await made.preview()
    assert posted == []


async def test_subtitles_for_an_upload_are_brought_to_it(settings, videos, posted):
    (videos / "talk.vtt").write_text(f"\ufeff{VTT}", "utf-8")
    engine = Engine(ONE)
    wish = VideoWish(f"video:{UUID}", transcript=str(videos / "talk.vtt"))
    await submit(await plan(settings, wish, engine=engine), engine, None)
    brought = (await engine.studio()).brought[UUID]
    assert (brought.format, brought.text) == ("vtt", VTT)


@pytest.mark.parametrize(("said", "value"), [(UUID, UUID), (f"upload:{UUID}", UUID), (7, 7)])
async def test_an_asset_parameter_may_be_an_id_and_other_values_are_left_alone(
    settings, said, value
):
    detail = agent({"in": "Video Input", "any": "no-such-tile"})
    made = await plan(settings, URL, engine=Engine(detail), params={"any": {"image_id": said}})
    assert made.body()["update_params"] == {"any": {"image_id": value}}


async def test_a_list_of_clips_is_handed_over_file_by_file(settings, videos):
    detail = agent({"in": "Video Input", "roll": "AI B-Roll"})
    clips = [str(videos / "talk.mp4"), str(videos / "logo.png"), UUID]
    made = await plan(settings, URL, engine=Engine(detail), params={"roll": {"clips": clips}})
    sent = made.body()["update_params"]["roll"]["clips"]
    assert [made.uploads[i].asset_type for i in sent[:2]] == ["video", "image"]
    assert sent[2] == UUID


async def test_a_clip_that_is_a_picture_of_a_kind_that_is_not_read_is_refused(settings, videos):
    (videos / "photo.heic").write_bytes(b"x")
    detail = agent({"in": "Video Input", "roll": "AI B-Roll"})
    given = {"roll": {"clips": [str(videos / "photo.heic")]}}
    found = await faults(settings, URL, engine=Engine(detail), params=given)
    assert found["params.roll.clips[0]"].remedy == "Save it as PNG."


async def test_a_plan_tells_what_a_provider_costs(settings):
    tile = tile_type("Image Generation")
    info = TileInfo(
        node_type_id=tile.node_type_id,
        name=tile.name,
        standing="approximate",
        means="Calls OpenAI with your key.",
    )
    detail = agent({"image": ("Image Generation", {"prompt": "A fox"})})
    made = await plan(settings, engine=Engine(detail, tiles=(info,)))
    assert made.warnings == ("Image Generation: Calls OpenAI with your key.",)


async def test_what_a_tile_means_without_own_clips_is_not_told_where_they_are_given(
    settings, videos
):
    tile = tile_type("AI B-Roll")
    info = TileInfo(
        node_type_id=tile.node_type_id,
        name=tile.name,
        standing="approximate",
        means="Needs your own.",
    )
    for saved, given, told in [
        ({}, {}, ("AI B-Roll: Needs your own.",)),
        ({}, {"clips": [UUID]}, ()),
        ({"clips": [UUID]}, {}, ()),
        ({"clips": [UUID]}, {"clips": []}, ("AI B-Roll: Needs your own.",)),
    ]:
        detail = agent({"in": "Video Input", "roll": ("AI B-Roll", saved)})
        engine = Engine(detail, tiles=(info,), uploads=(UUID,))
        assert (await plan(settings, URL, engine=engine, params={"roll": given})).warnings == told


async def test_a_file_that_cannot_be_taken_is_one_fault_and_not_a_missing_parameter_too(
    settings, videos
):
    detail = agent({"in": "Video Input", "intro": "Intro", "roll": "AI B-Roll"})
    picture = str(videos / "logo.png")
    given = {
        "intro": {"use_custom_intro": "custom", "custom_intro_video_id": picture},
        "roll": {"clips": ["no.mp4"], "clip_tags": ["a bike"]},
    }
    with pytest.raises(InvalidRequest) as refusal:
        await plan(settings, URL, engine=Engine(detail), params=given)
    assert [f.where for f in refusal.value.faults] == [
        "params.intro.custom_intro_video_id",
        "params.roll.clips[0]",
    ]


async def test_an_asset_parameter_takes_no_youtube_video(settings):
    found = await faults(settings, URL, params={"logo": {"image_id": TUBE}})
    assert "takes image files only" in found["params.logo.image_id"].what


async def test_a_name_that_several_agents_have_is_a_fault_of_the_request(settings):
    twin = agent({}, agent_id="0a9e0000-0000-4000-8000-0000000000ff", name="Podcast clips")
    found = await faults(settings, URL, engine=Engine(ONE, twin), agent="podcast")
    assert "can mean" in found["agent"].what


async def test_an_unknown_video_input_is_answered_with_those_there_are(settings):
    wish = VideoWish(URL, input="Screen recording")
    found = await faults(settings, wish, engine=Engine(TWO))
    assert "'Screen recording' is no node" in found["videos[0].input"].what


async def test_a_transcript_is_a_path(settings, videos):
    found = await faults(settings, VideoWish(str(videos / "talk.mp4"), transcript=URL))
    assert "is not a path" in found["videos[0].transcript"].what
    wrong = VideoWish(str(videos / "talk.mp4"), transcript=str(videos / "logo.png"))
    assert "not subtitles" in (await faults(settings, wrong))["videos[0].transcript"].what


async def test_a_run_of_several_outputs_is_not_one_video_to_look_at(settings):
    outputs = [SimpleNamespace(id="o1"), SimpleNamespace(id="o2")]
    runs = {"r": SimpleNamespace(status=RunStatus.completed, outputs=outputs)}
    with pytest.raises(InvalidRequest, match="render:o1"):
        await resolve_video(Engine(ONE, runs=runs), "run:r", settings)


async def test_subtitles_that_lie_beside_a_video_are_used_and_that_is_said(
    settings, videos, posted
):
    engine = Engine(ONE)
    made = await plan(settings, str(videos / "talk.mp4"), engine=engine)
    assert made.warnings == ("Using the subtitles beside talk.mp4: talk.srt",)
    await submit(made, engine, None)
    [brought] = (await engine.studio()).brought.values()
    assert (brought.format, brought.text) == ("srt", SRT)


@pytest.mark.parametrize(
    ("video", "beside", "used", "language"),
    [
        ("IMG_4713.MOV", ["IMG_4713.SRT"], "IMG_4713.SRT", ""),
        ("two.mp4", ["Two.vtt"], "Two.vtt", ""),
        ("two.mp4", ["two.de.srt"], "two.de.srt", "de"),
        ("two.mp4", ["two.en-US.sdh.VTT"], "two.en-US.sdh.VTT", "en-US"),
        ("two.mp4", ["two.en.vtt", "two.en.srt"], "two.en.srt", "en"),
        ("two.mp4", ["two.de.srt", "two.en.srt", "two.vtt"], "two.vtt", ""),
        ("two.mp4", ["two.vtt", "two.srt", "TWO.srt"], "two.srt", ""),
        ("two.it.mp4", ["two.it.de.srt"], "two.it.de.srt", "de"),
    ],
)
async def test_subtitles_beside_a_video_may_have_a_language_and_large_letters(
    settings, videos, posted, video, beside, used, language
):
    (videos / video).write_bytes(b"video")
    for name in beside:
        (videos / name).write_bytes(SRT.encode())
    engine = Engine(ONE)
    made = await plan(settings, str(videos / video), engine=engine)
    assert made.warnings == (f"Using the subtitles beside {video}: {used}",)
    await submit(made, engine, None)
    [brought] = (await engine.studio()).brought.values()
    assert brought.language == language


async def test_of_subtitles_in_several_languages_none_is_used_and_all_are_named(settings, videos):
    (videos / "two.mp4").write_bytes(b"video")
    for name in ("two.en.srt", "two.de.srt"):
        (videos / name).write_bytes(SRT.encode())
    [warning] = (await plan(settings, str(videos / "two.mp4"))).warnings
    assert "two.de.srt, two.en.srt" in warning
    assert "`transcript`" in warning


@pytest.mark.parametrize("name", ["two.final.srt", "two-de.srt", "two.my.de.srt", "two.it.srt"])
async def test_subtitles_of_another_name_or_of_another_video_are_not_used(settings, videos, name):
    for video in ("two.mp4", "two.it.mp4"):
        (videos / video).write_bytes(b"video")
    (videos / name).write_bytes(SRT.encode())
    assert (await plan(settings, str(videos / "two.mp4"))).warnings == ()


async def test_subtitles_that_are_named_win_over_those_beside(settings, videos, posted):
    (videos / "other.vtt").write_text(VTT, "utf-8")
    engine = Engine(ONE)
    wish = VideoWish(str(videos / "talk.mp4"), transcript=str(videos / "other.vtt"))
    made = await plan(settings, wish, engine=engine)
    assert made.warnings == ()
    await submit(made, engine, None)
    [brought] = (await engine.studio()).brought.values()
    assert brought.text == VTT


async def test_a_link_beside_a_video_is_no_subtitles_of_it(settings, videos):
    (videos / "talk.srt").unlink()
    (videos / "secret.txt").write_text("secret")
    (videos / "talk.srt").symlink_to(videos / "secret.txt")
    assert (await plan(settings, str(videos / "talk.mp4"))).warnings == ()


async def test_what_is_said_in_a_file_is_read_from_the_subtitles_beside_it(settings, videos):
    engine = Engine(ONE)
    _, video_id, _ = await resolve_video(engine, str(videos / "talk.mp4"), settings)
    assert (await engine.studio()).brought[video_id].text == SRT


async def test_a_tile_that_the_studio_cannot_do_is_refused_before_the_run(settings):
    music = agent({"in": "Video Input", "song": "AI Music", "out": "Destination"})
    tile = tile_type("AI Music")
    cannot = TileInfo(
        node_type_id=tile.node_type_id,
        name="AI Music",
        standing="unsupported",
        note="Needs Mosaic.",
    )
    found = await faults(settings, URL, engine=Engine(music, tiles=(cannot,)))
    fault = found["agent.AI Music"]
    assert fault.what == "AI Music cannot be done by the local studio. Needs Mosaic."
    assert "skip=['AI Music']" in fault.remedy
    skipped = await plan(settings, URL, engine=Engine(music, tiles=(cannot,)), skip=["AI Music"])
    assert skipped.body()["ignore_nodes"] == ["song"]


async def test_a_callback_is_for_every_engine_and_ours_for_the_hosted_one_alone(settings):
    hook = {"callback_url": "https://example.com/hook"}
    ours = replace(settings, callback_url="https://video.example.org/webhooks/mosaic")
    for engine in (Engine(ONE), Engine(ONE, hosted=True)):
        told = await plan(ours, URL, engine=engine, **hook)
        assert (told.body()["callback_url"], told.warnings) == (hook["callback_url"], ())
    hosted = await plan(ours, URL, engine=Engine(ONE, hosted=True))
    assert hosted.body()["callback_url"] == ours.callback_url
    assert "callback_url" not in (await plan(ours, URL, engine=Engine(ONE))).body()
    assert "callback_url" not in (await plan(settings, URL, engine=Engine(ONE, hosted=True))).body()


CHOSEN = agent(
    {"in": "Video Input", "clips": ("Clips", {"ranges": [{"start_ms": 0, "end_ms": 900}] * 2})},
    name="Chosen",
)


@pytest.mark.parametrize(
    ("saved", "given", "told"),
    [
        (CHOSEN, {"num_clips": 3}, "Clips: num_clips has no effect, because the 2 ranges saved"),
        (
            ONE,
            {"ranges": [{"start_ms": 0, "end_ms": 9}], "prompt": "pricing", "target_duration": 9},
            "Clips: prompt, target_duration have no effect, because the 1 ranges given",
        ),
        (CHOSEN, {"num_clips": 3, "ranges": None}, None),
        (ONE, {"num_clips": 3}, None),
        (CHOSEN, {}, None),
    ],
)
async def test_what_has_no_effect_beside_ranges_is_warned_of(settings, saved, given, told):
    done = await plan(settings, URL, engine=Engine(saved), params={"Clips": given})
    found = [w for w in done.warnings if "no effect" in w]
    assert found[0].startswith(told) if told else not found, done.warnings


async def test_a_logo_beside_mosaics_is_warned_of_and_one_alone_is_shown(settings, videos):
    kept = agent({"in": "Video Input", "logo": ("Watermark", {"use_custom_logo": "mosaic"})})
    picture = str(videos / "logo.png")
    done = await plan(settings, URL, engine=Engine(kept), params={"logo": {"image_id": picture}})
    assert done.warnings == (
        "Watermark: image_id has no effect, because use_custom_logo is 'mosaic' as saved in the "
        "agent. Give use_custom_logo='custom' with it.",
    )
    alone = agent({"in": "Video Input", "logo": ("Watermark", {})})
    done = await plan(settings, URL, engine=Engine(alone), params={"logo": {"image_id": picture}})
    assert done.warnings == ()


async def test_a_node_that_was_not_named_exactly_is_told(settings):
    done = await plan(settings, URL, params={"clip": {"num_clips": 1}}, skip=["captions"])
    assert done.warnings == ("'clip' is taken for the node 'Clips'.",)


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("first ten", "0 s to 10 s"),
        ("1:30-2:45", "1:30 to 2:45"),
        ("from 45.5 s", "45.5 s to the end"),
        ("1:00:05 to 1:02:10.25", "1:00:05 to 1:02:10.25"),
        ("everything", "the whole video"),
    ],
)
async def test_the_part_that_was_taken_is_told(settings, said, taken):
    done = await plan(settings, URL, clip=said)
    assert done.warnings == (f"clip {said!r} is taken as {taken}.",)


async def test_the_last_part_is_told_as_it_was_said(settings, videos):
    done = await plan(settings, str(videos / "screen.mp4"), clip="last 90 s")
    assert done.warnings == ("clip 'last 90 s' is taken as the last 1:30.",)


async def test_nobody_is_advised_to_skip_what_makes_the_videos(settings):
    node_type_id = tile_type("AI Avatar").node_type_id
    cannot = TileInfo(node_type_id=node_type_id, name="AI Avatar", standing="unsupported")
    face = agent({"face": "AI Avatar", "out": "Destination"})
    engine = Engine(face, tiles=(cannot,))
    found = await faults(settings, engine=engine)
    assert found["agent.AI Avatar"].remedy == "Or run an agent without it."
    refused = await faults(settings, engine=engine, skip=["AI Avatar"])
    assert "makes its own videos" in refused["skip[0]"].what


async def test_faults_speak_of_the_arguments_not_of_the_requests_fields(settings):
    found = await faults(settings, URL, engine=Engine(GENERATION))
    assert any("prompts go into params" in f.remedy for f in found.values())
    assert not any("update_params" in f.sentence() for f in found.values())


async def test_a_tile_taken_for_an_agent_is_answered_with_how_to_make_one(settings):
    found = await faults(settings, URL, agent="outro")
    assert found["agent"].what == "There is no agent called 'outro'; Outro is a tile."
    assert "build_agent(name='Outro', tiles=['Outro'])" in found["agent"].remedy


async def test_words_that_ranges_would_cut_are_warned_of_where_they_are_known(settings):
    engine = Engine(CHOSEN, uploads=(UUID,))
    assert (await plan(settings, UUID, engine=engine)).warnings == ()
    engine.word = "gardeners"
    told = (await plan(settings, UUID, engine=engine)).warnings
    assert told[1].startswith("Clips: clip 1 ends at 0.90 s, inside the word 'gardeners' of outp")


async def test_a_part_behind_the_end_of_an_upload_is_refused_in_the_plan(settings):
    engine = Engine(ONE, uploads=(UUID,))
    found = await faults(settings, UUID, engine=engine, clip="2:00-2:10")
    assert found["clip"].what.startswith("the part begins at 120.000 s, but output 7ba7 lasts 100")


async def test_files_that_are_not_handed_over_are_looked_at_when_that_is_asked(settings, videos):
    engine = Engine(ONE)
    talk = str(videos / "screen.mp4")
    late = await plan(settings, talk, engine=engine, clip="2:00-2:10")
    with pytest.raises(InvalidRequest, match=r"clip: the part begins .* but screen.mp4 lasts"):
        await look_at_files(engine, late)
    last = await plan(settings, talk, engine=engine, clip="last 20 s")
    assert await look_at_files(engine, last) == []
    assert engine.added == [], "nothing is handed over"
