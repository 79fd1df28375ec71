"""One talk and one studio for all acceptance tests of a process; the studio is ended by its pid."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from mosaic_mcp.contract.extensions import Discovery
from mosaic_mcp.settings import Settings
from tests.support.talking import Truth, talking_head

SCRIPT = (
    "Welcome to the show. (0.7) um (0.5) Choose a quiet room with soft furniture. (0.9) "
    "Keep the microphone close to your mouth. (0.8) Record a test before the interview."
)


@dataclass(frozen=True)
class Talk:
    """A short talk on disk, the user's subtitles beside it, and the truth about both."""

    video: Path
    srt: Path
    truth: Truth

    @property
    def named(self) -> dict[str, str]:
        """As an argument of `videos`."""
        return {"source": str(self.video), "transcript": str(self.srt)}


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("acceptance")


@pytest.fixture(scope="package")
def talk(folder: Path) -> Talk:
    video = folder / "my talk.mp4"
    truth = talking_head(video, SCRIPT, cut_at=4.0)
    srt = folder / "my talk.srt"
    srt.write_text(truth.srt())
    return Talk(video, srt, truth)


@pytest.fixture(scope="package")
def settings(folder: Path) -> Iterator[Settings]:
    """Settings of a private data folder; the studio that tools start there ends with the tests."""
    home = folder / "home"
    yield Settings(home=home, allowed_dirs=(folder,))
    end_studio(home)


def end_studio(home: Path) -> None:
    """End the studio of a data folder, if one runs."""
    with suppress(OSError):
        found = Discovery.model_validate_json((home / "studio" / "studio.json").read_bytes())
        os.kill(found.pid, signal.SIGTERM)


def environment(settings: Settings) -> dict[str, str]:
    """The settings as a client's configuration passes them."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("MOSAIC_")}
    dirs = os.pathsep.join(str(d) for d in settings.allowed_dirs)
    return {**plain, "MOSAIC_HOME": str(settings.home), "MOSAIC_ALLOWED_DIRS": dirs}
