"""What the demo edits: a named video, the subtitles beside it, or the sample."""

from pathlib import Path

import pytest

from mosaic_mcp import demo
from mosaic_mcp.errors import MediaError


def test_without_a_video_the_sample_and_its_subtitles_are_used():
    video, srt = demo.material(None, None)
    assert (video.name, video.is_file()) == ("talk.mp4", True)
    assert srt is not None
    assert srt.is_file()


def test_subtitles_beside_a_video_are_used_and_named_ones_win(tmp_path: Path):
    video = tmp_path / "my.mp4"
    assert demo.material(video, None) == (video, None)
    (tmp_path / "my.srt").touch()
    assert demo.material(video, None) == (video, tmp_path / "my.srt")
    assert demo.material(video, tmp_path / "other.srt") == (video, tmp_path / "other.srt")


def test_a_missing_video_is_refused_before_anything_is_started(tmp_path: Path):
    with pytest.raises(MediaError, match="There is no file"):
        demo.run_demo(tmp_path / "gone.mp4", transcript=None, agent=None, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
