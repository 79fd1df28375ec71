"""Hardware encoders are used where they were seen to work, to be quicker and as good.

There is none on the machines that test this: a stand-in for FFmpeg plays one, by x264.
"""

import json
import sys

import pytest

from mosaic_mcp.errors import EngineUnavailable
from mosaic_mcp.studio.render import choosing
from mosaic_mcp.studio.render.choosing import Encoders, read_trials, try_encoder
from mosaic_mcp.studio.render.encoders import HARDWARE
from tests.support.coded import FFMPEG

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")

QUICK = "-c:v libx264 -preset ultrafast -crf 20"
SLOW = "-c:v libx264 -preset slower -crf 20"
UGLY = "-c:v libx264 -preset ultrafast -crf 45"


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A machine with a card, whose encoder is what is said here."""
    monkeypatch.setattr(choosing, "present", lambda: ["h264_nvenc"])
    monkeypatch.setattr(choosing, "devices", lambda: ["nvidia0"])
    monkeypatch.setattr(choosing, "SECONDS", 1)

    def standing_in(does: str):
        """FFmpeg in which the options of h264_nvenc become these; none: it cannot be opened."""
        path = tmp_path / "ffmpeg"
        ours = " ".join(("-c:v h264_nvenc", *HARDWARE["h264_nvenc"].options))
        path.write_text(
            "#!/bin/bash\n"
            f'echo called >> {tmp_path}/calls\nall="$*"\n'
            f'if [[ "$all" == *"{ours}"* ]]; then\n'
            f"  [ -z '{does}' ] && exec '{FFMPEG}' \"$@\"\n"
            "  args=(); skip=0\n"
            '  for a in "$@"; do\n'
            f'    [ "$a" = -c:v ] && {{ args+=({does}); skip=10; }}\n'
            '    [ $skip -gt 0 ] && skip=$((skip-1)) || args+=("$a")\n'
            "  done\n"
            f"  exec '{FFMPEG}' \"${{args[@]}}\"\n"
            "fi\n"
            f"exec '{FFMPEG}' \"$@\"\n"
        )
        path.chmod(0o755)
        return path

    return standing_in


def calls(tmp_path) -> int:
    return len((tmp_path / "calls").read_text().splitlines())


async def chosen(ffmpeg, tmp_path, wanted="auto", quality="standard", tools="n9"):
    encoders = Encoders(ffmpeg, tools, wanted, tmp_path)
    return (await encoders.of(quality)).name, await encoders.made_by(quality)


async def test_a_quicker_encoder_that_is_as_good_is_used_and_named_in_the_recipe(tmp_path, card):
    monkey = card(QUICK)
    found = await choosing.compare(monkey, ["h264_nvenc"])
    assert found[0].why == ""
    assert found[0].likeness > found[0].likeness_of_x264 - choosing.WORSE
    # Which of two took less time is no matter for a test on a busy machine: the rule is.
    assert choosing.Trial("h264_nvenc", "", 2.0, 0.985, 0.988).better
    kept = {"seen": "n9; nvidia0", "trials": [{"name": "h264_nvenc", "why": "", "times": 2.0,
            "likeness": 0.985, "likeness_of_x264": 0.988}]}  # fmt: skip
    (tmp_path / choosing.FILE).write_text(json.dumps(kept))
    assert await chosen(monkey, tmp_path) == ("h264_nvenc", "n9, h264_nvenc")


@pytest.mark.parametrize(("times", "likeness"), [(1.0, 0.99), (4.0, 0.97)], ids=["slow", "ugly"])
def test_an_encoder_that_is_slower_or_worse_is_not_better(times, likeness):
    assert not choosing.Trial("h264_nvenc", "", times, likeness, 0.988).better


async def test_an_ugly_picture_is_seen(tmp_path, card):
    (trial,) = await choosing.compare(card(UGLY), ["h264_nvenc"])
    assert not trial.better
    assert trial.likeness < trial.likeness_of_x264 - choosing.WORSE


async def test_an_encoder_that_cannot_be_opened_is_not_used_and_says_why(tmp_path, card):
    ffmpeg = card("")
    assert await chosen(ffmpeg, tmp_path) == ("libx264", "n9")
    (trial,) = read_trials(tmp_path / choosing.FILE)
    assert trial.why


async def test_it_is_tried_out_once_for_an_ffmpeg_and_its_devices(tmp_path, card, monkeypatch):
    ffmpeg = card("")
    await chosen(ffmpeg, tmp_path)
    before = calls(tmp_path)
    await chosen(ffmpeg, tmp_path)
    assert calls(tmp_path) == before
    monkeypatch.setattr(choosing, "devices", lambda: ["nvidia0", "nvidia1"])
    await chosen(ffmpeg, tmp_path)
    assert calls(tmp_path) > before


async def test_without_devices_nothing_is_tried(tmp_path, card, monkeypatch):
    monkeypatch.setattr(choosing, "present", list)
    assert await chosen(card(""), tmp_path) == ("libx264", "n9")
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize(("wanted", "quality"), [("libx264", "standard"), ("auto", "draft"),
                                                 ("h264_nvenc", "best")])  # fmt: skip
async def test_x264_serves_where_it_is_asked_for_and_for_drafts_and_the_best(
    tmp_path, card, wanted, quality
):
    assert (await chosen(card(QUICK), tmp_path, wanted, quality))[0] == "libx264"
    assert not (tmp_path / "calls").exists()


async def test_a_named_encoder_is_used_whatever_its_figures(tmp_path, card):
    assert (await chosen(card(SLOW), tmp_path, "h264_nvenc"))[0] == "h264_nvenc"


async def test_a_named_encoder_that_does_not_work_is_an_error(tmp_path, card):
    with pytest.raises(EngineUnavailable, match="h264_nvenc, which does not work here"):
        await chosen(card(""), tmp_path, "h264_nvenc")
    with pytest.raises(EngineUnavailable, match="which we do not know"):
        await chosen(card(""), tmp_path, "h265_magic")


@pytest.mark.parametrize("name", HARDWARE)
async def test_each_is_really_tried_and_fails_here_or_makes_frames(name):
    trial = await try_encoder(FFMPEG, HARDWARE[name])
    assert trial.name == name
    assert trial.why == "" or len(trial.why) > 10
