"""The doctor before a database and a storage that several machines share."""

from dataclasses import replace
from pathlib import Path

import pytest

from mosaic_mcp import doctor
from mosaic_mcp.doctor.cluster import examine_database, examine_folders, examine_storage
from mosaic_mcp.doctor.finding import Finding
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.store.database import Store
from tests.cluster.test_database import at_revision, connections, postgres_url
from tests.support.object_store import moto
from tests.support.postgres import Postgres

pytestmark = [pytest.mark.cluster, pytest.mark.short]


def settings(home: Path, **values: str) -> Settings:
    return replace(Settings.from_env({"MOSAIC_HOME": str(home)}), **values)


def database(address: str) -> Finding:
    """What is found of a database first."""
    return next(iter(examine_database(settings(Path("nowhere"), studio_database=address))))


def test_a_database_is_told_as_it_is(postgres: Postgres):
    address = postgres.create()
    name = address.rpartition("/")[2]
    empty = database(address)
    assert (empty.state, "the first start makes its tables" in empty.says) == ("ok", True)

    engine = connections(postgres_url(address))
    at_revision(engine, "0004")
    engine.dispose()
    older = database(address)
    assert (older.state, "has schema 0004: the next start brings it to" in older.says) == (
        "note",
        True,
    )

    Store(address).close()
    well = database(address)
    assert (
        well.state,
        f"127.0.0.1:{postgres.port}/{name} is writable, schema 00" in well.says,
    ) == (
        "ok",
        True,
    )

    postgres.execute(name, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    standby = database(address)
    assert (standby.state, "takes no writes" in standby.says) == ("fail", True)
    postgres.execute(name, f"SET transaction_read_only = off; ALTER DATABASE {name} RESET ALL")

    postgres.execute(name, "CREATE ROLE reader LOGIN PASSWORD 'reads'")
    postgres.execute(name, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    reader = database(f"postgresql://reader:reads@127.0.0.1:{postgres.port}/{name}")
    assert (reader.state, "permission denied for table runs" in reader.says) == ("fail", True)

    postgres.execute(name, "UPDATE alembic_version SET version_num = '9999'")
    newer = database(address)
    assert (newer.state, "that a newer mosaic-mcp has made" in newer.says) == ("fail", True)


def test_a_database_that_is_not_there_is_told_without_its_password(
    postgres: Postgres, tmp_path: Path
):
    away = database(postgres.address("nobody_made_it"))
    assert away.state == "fail"
    assert "nobody_made_it cannot be reached" in away.says
    assert "MOSAIC_STUDIO_DATABASE" in away.remedy
    assert "geheim" not in away.says + away.remedy
    wrong = settings(tmp_path, studio_database="mysql://u:geheim@h/d")
    (found,) = (f for f in doctor.examine(wrong) if f.name == "database")
    assert (found.state, "geheim" in found.says) == ("fail", False)


def test_folders_that_nobody_looks_at_are_told(tmp_path: Path):
    assert list(examine_folders(settings(tmp_path))) == []
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "one.mp3").write_bytes(b"")
    (found,) = examine_folders(settings(tmp_path))
    assert (found.state, found.says.startswith("music in")) == ("note", True)


def test_a_storage_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = settings(tmp_path, studio_storage=str(tmp_path / "shared"))
    (found,) = examine_storage(folder)
    assert (found.state, found.says.partition(",")[0]) == ("ok", f"{tmp_path}/shared is writable")
    with moto() as store:
        for name, value in store.environment().items():
            monkeypatch.setenv(name, value)
        (found,) = examine_storage(settings(tmp_path, studio_storage="s3://studio/prefix"))
        assert found.says == "s3://studio/prefix can be written, read and listed"
        missing = settings(tmp_path, studio_storage="s3://not-there")
        (found,) = (f for f in doctor.examine(missing) if f.name == "storage")
    assert (found.state, "There is no bucket 'not-there'" in found.says) == ("fail", True)
    assert "MOSAIC_STUDIO_STORAGE" in found.remedy
