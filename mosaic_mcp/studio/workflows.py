"""DBOS as we use it: where it keeps its tables, who we are to it, and how work changes hands.

Only its MIT part, by public calls. It puts its tables into the schema `dbos` of our PostgreSQL
database, or into a SQLite file of its own.
"""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from os import getpid
from pathlib import Path
from uuid import uuid4

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import URL

NAME = "mosaic-studio"
LOCAL = "local"
"""Executor of the one studio that holds the lock of its data folder: after a crash the next one is
the same, and goes on at once. Any other process is somebody new at each start, so that two never
have one name."""

Queues = Callable[[Iterable[str]], Mapping[str, Sequence[str]]]
"""Workflow ids to the queues that they are to be put into."""


def new_executor() -> str:
    """A name that no other process has: `host-pid-random`."""
    return f"{socket.gethostname()}-{getpid()}-{uuid4().hex[:8]}"


@dataclass(frozen=True, slots=True)
class Workflows:
    """DBOS on one database, for one process."""

    database: Path | URL
    """A SQLite file of DBOS' own, or our PostgreSQL database."""
    executor: str

    async def launch(self, version: str, *, listens: bool) -> None:
        """Begin; with `listens` take work from the queues."""
        config: DBOSConfig = {
            "name": NAME,
            "system_database_url": self._url,
            "executor_id": self.executor,
            "application_version": version,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "ERROR",
            "notification_listener_polling_interval_sec": 0.5,
        }
        if isinstance(self.database, Path):
            await asyncio.to_thread(_use_wal, self.database)
        else:
            config["sys_db_pool_size"] = 3
        DBOS(config=config)
        if not listens:
            DBOS.listen_queues([])
        DBOS.launch()

    async def requeue(self, executor: str, queues: Queues) -> None:
        """Let others do what a dead process had begun."""
        begun = await DBOS.list_workflows_async(
            status="PENDING", executor_id=executor, load_input=False, load_output=False
        )
        for queue, ids in queues(workflow.workflow_id for workflow in begun).items():
            if ids:
                await DBOS.resume_workflows_async(list(ids), queue_name=queue)

    def hand_over(self, queues: Queues) -> None:
        """Let others do what we had begun; after DBOS ended here, so that it is not us again."""
        client = DBOSClient(
            system_database_url=self._url,
            serializer=DBOSPortableJSONSerializer(),
            application_name=NAME,
            retry_connection_errors=False,
        )
        try:
            begun = client.list_workflows(
                status="PENDING", executor_id=self.executor, load_input=False, load_output=False
            )
            for queue, ids in queues(workflow.workflow_id for workflow in begun).items():
                if ids:
                    client.resume_workflows(list(ids), queue_name=queue)
        finally:
            client.destroy()

    @property
    def _url(self) -> str:
        if isinstance(self.database, Path):
            return f"sqlite:///{self.database}"
        return self.database.render_as_string(hide_password=False)


def _use_wal(database: Path) -> None:
    """DBOS leaves SQLite's slow journal; WAL, set once, stays with the file."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
