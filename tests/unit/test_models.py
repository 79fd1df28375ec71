"""Models that hear words: found, fetched, checked, removed, and chosen."""

import hashlib
import json
from pathlib import Path

import pytest

from mosaic_mcp.cli import main
from mosaic_mcp.errors import InvalidRequest, MediaError, NotFound, Unsupported
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.models.command import run_models
from mosaic_mcp.studio.models.store import ModelStore
from mosaic_mcp.studio.models.table import EXTRAS, IMPORTS, MODELS, RELIABLE, Model, Weights
from tests.support.file_server import FileServer, Page, file_server

BYTES = {"model.bin": b"weights" * 9000, "config.json": b"{}"}


def model(name: str = "tiny", origin: str = "", engine: str = "pocketsphinx") -> Model:
    """A small model whose engine is always there."""
    files = tuple(
        Weights(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in BYTES.items()
    )
    return Model(name, engine, "English", "fair", origin, files)  # type: ignore[arg-type]


@pytest.fixture
def server():
    with file_server() as serving:
        for name, data in BYTES.items():
            serving.put(f"/{name}", data, kind="application/octet-stream")
        yield serving


def fetching(tmp_path: Path, server: FileServer) -> tuple[Settings, ModelStore]:
    settings = Settings(home=tmp_path, private_urls=True)
    return settings, ModelStore(tmp_path, (MODELS[0], model(origin=server.url("").rstrip("/"))))


def get(settings: Settings, store: ModelStore, given: Path | None = None, name: str = "tiny"):
    return run_models(settings, "get", name, given, store)


def test_a_model_is_fetched_checked_used_and_removed(tmp_path, server, capsys):
    settings, store = fetching(tmp_path, server)
    assert store.recogniser(None).name == "pocketsphinx"
    assert get(settings, store) == 0
    assert store.recogniser(None).name == "tiny", "the better one is used at once"
    assert run_models(settings, "check", "tiny", None, store) == 0
    assert run_models(settings, "remove", "tiny", None, store) == 0
    assert store.recogniser(None).name == "pocketsphinx"
    assert "tiny is ready" in capsys.readouterr().out


def test_a_broken_connection_goes_on_where_it_broke_off(tmp_path, server):
    settings, store = fetching(tmp_path, server)
    server.pages["/model.bin"].breaks = [20_000]
    get(settings, store)
    assert [a.headers.get("range") for a in server.asked if a.path == "/model.bin"] == [
        None,
        "bytes=20000-",
    ]
    assert store.faults(store.model("tiny")) == []


def test_other_content_than_promised_is_not_kept(tmp_path, server):
    settings, store = fetching(tmp_path, server)
    server.pages["/model.bin"] = Page(b"x" * len(BYTES["model.bin"]))
    with pytest.raises(MediaError, match="other content") as refusal:
        get(settings, store)
    assert "--from FILE" in refusal.value.remedy
    assert list(store.folder.iterdir()) == []


def test_what_is_not_there_says_how_to_go_on(tmp_path, server):
    settings, store = fetching(tmp_path, server)
    server.pages.clear()
    with pytest.raises(MediaError, match="404") as refusal:
        get(settings, store)
    assert "--from FILE" in refusal.value.remedy


def test_nothing_is_fetched_that_is_here(tmp_path, server):
    settings, store = fetching(tmp_path, server)
    get(settings, store)
    asked = len(server.asked)
    get(settings, store)
    assert len(server.asked) == asked


def test_a_private_address_is_not_fetched_from(tmp_path, server):
    _, store = fetching(tmp_path, server)
    with pytest.raises(MediaError):
        get(Settings(home=tmp_path), store)


def test_a_changed_byte_is_found(tmp_path, server, capsys):
    settings, store = fetching(tmp_path, server)
    get(settings, store)
    path = store.folder / "tiny" / "model.bin"
    path.write_bytes(b"W" + path.read_bytes()[1:])
    assert run_models(settings, "check", "tiny", None, store) == 1
    assert "model.bin is not what it should be" in capsys.readouterr().out


def given(folder: Path, **changed: bytes) -> Path:
    folder.mkdir()
    for name, data in {**BYTES, **changed}.items():
        (folder / name).write_bytes(data)
    return folder


def test_the_users_own_copy_of_a_model_is_taken_if_it_is_that_model(tmp_path):
    store = ModelStore(tmp_path, (MODELS[0], model()))
    settings = Settings(home=tmp_path)
    with pytest.raises(InvalidRequest, match="is not tiny's"):
        get(settings, store, given(tmp_path / "other", **{"model.bin": b"else"}))
    assert get(settings, store, given(tmp_path / "right")) == 0
    assert store.ready(store.model("tiny"))


def test_a_model_that_nobody_knows_is_taken_as_the_users_own(tmp_path, capsys):
    store = ModelStore(tmp_path)
    file = tmp_path / "fine-tuned.bin"
    file.write_bytes(b"lmgg" + b"1" * 100)
    get(Settings(home=tmp_path), store, file, "mine")
    mine = store.model("mine")
    assert (mine.engine, store.all()[-1].name) == ("whisper.cpp", "mine")
    assert store.faults(mine) == []
    run_models(Settings(home=tmp_path), "list", None, None, store)
    told = capsys.readouterr().out
    assert "your own; not measured" in told
    assert "`mosaic-mcp models get NAME` fetches one" in told
    store.remove(mine)
    assert "mine" not in [m.name for m in store.all()]


@pytest.mark.parametrize("content", [b"GIF89a", b""])
def test_what_is_no_model_is_not_taken(tmp_path, content):
    file = tmp_path / "holiday.gif"
    file.write_bytes(content)
    with pytest.raises(InvalidRequest, match="not a ggml model"):
        ModelStore(tmp_path).take("mine", file)
    with pytest.raises(InvalidRequest, match="no name may"):
        ModelStore(tmp_path).take("../mine", file)


def test_a_setting_names_the_model_and_must_name_one_that_is_ready(tmp_path):
    store = ModelStore(tmp_path, (MODELS[0], model(engine="whisper.cpp")))
    assert store.recogniser("pocketsphinx").engine == "pocketsphinx"
    with pytest.raises(Unsupported, match="not ready") as refusal:
        store.recogniser("tiny")
    assert "mosaic-mcp models get tiny" in refusal.value.remedy
    with pytest.raises(NotFound, match="'huge'"):
        store.recogniser("huge")


def test_without_weights_there_is_nothing_to_remove(tmp_path):
    with pytest.raises(NotFound, match="comes with its package"):
        ModelStore(tmp_path).remove(MODELS[0])


def test_the_command_line_lists_every_model_and_what_is_used(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MOSAIC_HOME", str(tmp_path))
    monkeypatch.setenv("MOSAIC_STUDIO_MODEL", "pocketsphinx")
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert all(known.name in out and known.how_good in out for known in MODELS)
    assert [line for line in out.splitlines() if line.startswith("* pocketsphinx")]
    assert main(["models", "get", "nothing"]) == 1


def test_every_model_of_the_table_can_be_fetched_and_run():
    assert len({m.name for m in MODELS}) == len(MODELS)
    for known in MODELS:
        assert known.engine in IMPORTS
        assert known.engine in EXTRAS
        assert known.engine in RELIABLE
        assert bool(known.origin) == bool(known.files)
        assert "/main" not in known.origin, "a revision does not change"
        for file in known.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.size > 0


def test_a_users_own_model_survives_a_restart(tmp_path):
    file = tmp_path / "m.bin"
    file.write_bytes(b"lmgg")
    ModelStore(tmp_path).take("mine", file)
    told = json.loads((tmp_path / "models" / "mine" / "own.json").read_text())
    assert told["name"] == "mine"
    assert ModelStore(tmp_path).model("mine").files[0].name == "m.bin"


@pytest.mark.parametrize("said", [["frob"], ["models", "frob"]])
def test_a_command_that_there_is_not_is_answered_with_those_there_are(said, capsys):
    with pytest.raises(SystemExit):
        main(said)
    told = capsys.readouterr().err
    assert "COMMAND" in told.splitlines()[0]
    assert "argument COMMAND: invalid choice: 'frob'" in told
