"""Which models are on this machine, and which of them hears words.

Weights lie in `models/<name>/` of the data folder. A folder that is not in the table is a model of
the user's own, told by `own.json` in it; it counts as better than all others.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mosaic_mcp.errors import Fault, InvalidRequest, NotFound, Unsupported
from mosaic_mcp.studio.models.table import EXTRAS, IMPORTS, MODELS, Engine, Model, Weights

OWN = "own.json"
_GGML = b"lmgg"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A model that can be run here: its name, its engine, and its weights where it has any.

    `digest` tells weights of the same name apart.
    """

    name: str
    engine: Engine
    english_only: bool
    weights: Path | None = None
    digest: str = ""


class ModelStore:
    """The models of a data folder."""

    def __init__(self, home: Path, table: Sequence[Model] = MODELS) -> None:
        self.folder = home / "models"
        self._table = table

    def all(self) -> list[Model]:
        """Every model of the table, and the user's own; the best last."""
        return [*self._table, *self._own()]

    def model(self, name: str) -> Model:
        """The model of that name; NotFound with the names that there are."""
        for model in self.all():
            if model.name == name:
                return model
        known = ", ".join(model.name for model in self.all())
        raise NotFound(f"There is no model {name!r}.", remedy=f"There are: {known}.")

    def weights(self, model: Model) -> Path | None:
        """Where a model's files are: fetched ones, else those of its package; None without.

        For whisper.cpp it is the file, for faster-whisper the folder.
        """
        for folder in (self.folder / model.name, _of_package(model.package)):
            if folder is not None and all(_whole(folder / f.name, f) for f in model.files):
                return folder / model.files[0].name if model.engine == "whisper.cpp" else folder
        return None

    def ready(self, model: Model) -> bool:
        """True when its engine is installed and its weights are here."""
        return engine_installed(model.engine) and (
            not model.files or self.weights(model) is not None
        )

    def recogniser(self, wanted: str | None) -> Recogniser:
        """The model named `wanted`, else the best that is ready.

        Raises Unsupported when the wanted one is not ready, or none is.
        """
        if wanted is not None:
            model = self.model(wanted)
            if not self.ready(model):
                raise Unsupported(
                    f"MOSAIC_STUDIO_MODEL asks for {wanted}, which is not ready here.",
                    remedy=missing(model, self.weights(model) is not None),
                )
            return self._recogniser(model)
        for model in reversed(self.all()):
            if self.ready(model):
                return self._recogniser(model)
        raise Unsupported(
            "Nothing is installed here that hears words.",
            remedy='Bring an SRT, or run `pip install "mosaic-mcp[studio]"`.',
        )

    def _recogniser(self, model: Model) -> Recogniser:
        path = self.weights(model) if model.files else None
        digest = model.files[0].sha256[:12] if model.files else ""
        return Recogniser(model.name, model.engine, model.english_only, path, digest)

    def faults(self, model: Model) -> list[str]:
        """What is wrong with a model's files, read byte by byte; empty when nothing is."""
        path = self.weights(model)
        if path is None:
            return ["its weights are not here, or not whole"]
        folder = path.parent if path.is_file() else path
        return [
            f"{file.name} is not what it should be"
            for file in model.files
            if sha256_of(folder / file.name) != file.sha256
        ]

    def take(self, name: str, given: Path) -> Model:
        """Copy the user's file or folder in as the model `name`; the model.

        A name of the table takes only that model's files. Raises InvalidRequest for what is no
        model, or another one.
        """
        known = next((model for model in self._table if model.name == name), None)
        if known is not None and not known.files:
            raise _not_given(f"{name} has no weights of its own; it comes with its package")
        if not _NAME.fullmatch(name):
            raise InvalidRequest([Fault("NAME", "holds what no name may.", "Use a-z, 0-9, . _ -")])
        model = known or _described(name, given)
        found = [given / f.name if given.is_dir() else given for f in model.files]
        for path, file in zip(found, model.files, strict=True):
            if not path.is_file() or sha256_of(path) != file.sha256:
                raise _not_given(f"{path.name} is not {name}'s {file.name}")
        self._put(model, found, own=known is None)
        return model

    def _put(self, model: Model, found: list[Path], *, own: bool) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self.folder / f".{model.name}.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for path, file in zip(found, model.files, strict=True):
            shutil.copyfile(path, new / file.name)
        if own:
            (new / OWN).write_text(json.dumps(asdict(model), indent=1), "utf-8")
        self.adopt(new, model.name)

    def adopt(self, new: Path, name: str) -> None:
        """Let a finished folder take the place of a model's."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        new.rename(self.folder / name)

    def remove(self, model: Model) -> int:
        """Delete a model's files; how many bytes that frees. NotFound when there are none."""
        folder = self.folder / model.name
        if not model.files or not folder.is_dir():
            where = "it comes with its package" if self.ready(model) else "it is not here"
            raise NotFound(f"There is nothing of {model.name} to remove: {where}.")
        freed = sum(path.stat().st_size for path in folder.iterdir())
        shutil.rmtree(folder)
        return freed

    def _own(self) -> list[Model]:
        found: list[Model] = []
        for path in sorted(self.folder.glob(f"*/{OWN}")):
            told = json.loads(path.read_text("utf-8"))
            files = tuple(Weights(**file) for file in told.pop("files"))
            found.append(Model(**told, files=files))
        return found


def engine_installed(engine: Engine) -> bool:
    """True when the package that runs it can be imported."""
    return importlib.util.find_spec(IMPORTS[engine]) is not None


def missing(model: Model, weights: bool) -> str:
    """What to do so that a model is ready."""
    steps = [] if weights or not model.files else [f"`mosaic-mcp models get {model.name}`"]
    if not engine_installed(model.engine):
        steps.insert(0, f'`pip install "mosaic-mcp[{EXTRAS[model.engine]}]"`')
    return f"Run {' and '.join(steps)}." if steps else ""


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _described(name: str, given: Path) -> Model:
    """A model of the user's own, from what the file or folder looks like."""
    if given.is_dir():
        engine: Engine = "faster-whisper"
        names = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt", "vocabulary.json")
        paths = [given / n for n in (*names, "preprocessor_config.json") if (given / n).is_file()]
        if not {"model.bin", "config.json", "tokenizer.json"} <= {path.name for path in paths}:
            raise _not_given("The folder has no model.bin, config.json and tokenizer.json")
    else:
        engine, paths = "whisper.cpp", [given]
        if not given.is_file():
            raise _not_given(f"{given.name} does not exist")
        with given.open("rb") as file:
            if file.read(4) != _GGML:
                raise _not_given(f"{given.name} is not a ggml model")
    files = tuple(Weights(p.name, p.stat().st_size, sha256_of(p)) for p in paths)
    return Model(
        name=name,
        engine=engine,
        languages="as trained",
        how_good="your own; not measured",
        files=files,
    )


def _not_given(why: str) -> InvalidRequest:
    remedy = (
        "Give a ggml file of whisper.cpp, or a folder of faster-whisper; `mosaic-mcp models` "
        "lists the names."
    )
    return InvalidRequest([Fault("--from", f"{why}.", remedy)])


def _whole(path: Path, file: Weights) -> bool:
    return path.is_file() and path.stat().st_size == file.size


def _of_package(package: str) -> Path | None:
    """The folder `model` of an installed package; the package itself is not imported."""
    spec = importlib.util.find_spec(package) if package else None
    return Path(spec.origin).parent / "model" if spec is not None and spec.origin else None
