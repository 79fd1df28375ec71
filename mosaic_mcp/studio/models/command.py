"""`mosaic-mcp models`: list, fetch, check and remove what hears words."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio

from mosaic_mcp.errors import MediaError, MosaicError, SourceUnavailable
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.models.store import ModelStore, engine_installed, missing, sha256_of
from mosaic_mcp.studio.models.table import EXTRAS, Model
from mosaic_mcp.web.addresses import anywhere, public
from mosaic_mcp.web.download import Limits, Progress, download, shown


def run_models(
    settings: Settings,
    action: str,
    name: str | None,
    given: Path | None,
    store: ModelStore | None = None,
) -> int:
    """Do what the command line asks; the exit code: 1 when a check finds a fault."""
    store = store or ModelStore(settings.home)
    match action, name:
        case "get", str():
            return _get(settings, store, name, given)
        case "check", str():
            return _check(store, store.model(name))
        case "remove", str():
            model = store.model(name)
            print(f"Removed {model.name}; {store.remove(model) / 1e6:.0f} MB are free again.")
        case _:
            print("\n".join(listed(store, settings.studio_model)))
    return 0


def listed(store: ModelStore, wanted: str | None) -> Iterator[str]:
    """The table, best first, with a mark at the one that is used."""
    try:
        used = store.recogniser(wanted).name
    except MosaicError as error:
        used = ""
        yield str(error)
    row = "{} {:<27} {:>7}  {:<13} {:<15} {}"
    yield row.format(" ", "model", "size", "languages", "state", "how good")
    for model in reversed(store.all()):
        yield row.format(
            "*" if model.name == used else " ",
            model.name,
            f"{model.megabytes:.0f} MB" if model.files else "-",
            model.languages,
            _state(store, model),
            model.how_good,
        )
    yield ""
    yield "* hears words now; a transcript or SRT that you bring always wins."
    yield "`mosaic-mcp models get NAME` fetches one that is not here."
    yield "MOSAIC_STUDIO_MODEL=NAME chooses another; docs/quality.md has what we measured."


def _state(store: ModelStore, model: Model) -> str:
    here = not model.files or store.weights(model) is not None
    if here and engine_installed(model.engine):
        return "ready"
    return "engine missing" if here else "not here"


def _get(settings: Settings, store: ModelStore, name: str, given: Path | None) -> int:
    if given is not None:
        model = store.take(name, given.expanduser())
    else:
        model = store.model(name)
        if not model.origin:
            print(f"{model.name} needs no weights from elsewhere.")
        elif store.weights(model) is None:
            anyio.run(fetch, settings, store, model)
    print(f"{model.name} is {'ready' if store.ready(model) else 'here, but not ready'}.")
    if not store.ready(model):
        print(missing(model, weights=True))
    return 0


def _check(store: ModelStore, model: Model) -> int:
    faults = store.faults(model) if model.files else []
    if not engine_installed(model.engine):
        faults.append(f'its engine is missing: pip install "mosaic-mcp[{EXTRAS[model.engine]}]"')
    for fault in faults:
        print(f"{model.name}: {fault}.")
    if (store.folder / model.name).is_dir() and model.origin and faults:
        print(f"`mosaic-mcp models remove {model.name}`, then `get`, fetches it anew.")
    if not faults:
        print(f"{model.name} is whole and ready: {model.how_good}.")
    return int(bool(faults))


async def fetch(settings: Settings, store: ModelStore, model: Model) -> None:
    """Fetch a model's files and adopt them once every hash is right.

    Raises what `download` raises, with the way around it; MediaError for a wrong hash.
    """
    print(f"{model.name}: {model.megabytes:.0f} MB from {shown(model.origin)}")
    store.folder.mkdir(parents=True, exist_ok=True)
    new = store.folder / f".{model.name}.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    around = (
        "Try again; or get the file in another way, and "
        f"`mosaic-mcp models get {model.name} --from FILE`."
    )
    try:
        for file in model.files:
            path, _ = await download(
                f"{model.origin}/{file.name}",
                new,
                on_progress=_told(file.name),
                limits=Limits(size=file.size),
                allowed=anywhere if settings.private_urls else public,
            )
            if sha256_of(path) != file.sha256:
                raise MediaError(
                    f"{file.name} came with other content than it should have.", remedy=around
                )
            path.rename(new / file.name)
        store.adopt(new, model.name)
    except (MediaError, SourceUnavailable) as error:
        raise type(error)(error.message, remedy=around) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _told(name: str) -> Progress:
    async def tell(have: int, whole: int | None) -> None:
        share = f" of {whole / 1e6:.0f}" if whole else ""
        print(f"\r  {name}: {have / 1e6:.1f}{share} MB", end="", file=sys.stderr, flush=True)
        if have == whole:
            print(file=sys.stderr)

    return tell
