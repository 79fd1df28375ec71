"""mosaic-mcp [serve|studio|worker|models|demo|doctor]; without a command it serves MCP over stdio.

Each command imports its room when it is called, so that serving starts fast.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mosaic_mcp import __version__
from mosaic_mcp.errors import Fault, InvalidRequest, MosaicError
from mosaic_mcp.settings import HttpSettings, Settings

if TYPE_CHECKING:
    from mosaic_mcp.server.app import MosaicServer


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the process' exit code."""
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args))
    except MosaicError as error:
        print(f"mosaic-mcp: {error.message}", file=sys.stderr)
        if error.remedy:
            print(error.remedy, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mosaic-mcp",
        description="Edit video from a chat assistant. Without a command: MCP over stdio.",
    )
    parser.add_argument("--version", action="version", version=f"mosaic-mcp {__version__}")
    parser.set_defaults(run=_serve, http=False, host=None, port=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve MCP over stdio (the default), or over HTTP")
    serve.add_argument("--http", action="store_true", help="streamable HTTP (see docs/http.md)")
    serve.add_argument("--host", help="with --http: address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="with --http: port to listen on (default: 8765)")
    serve.set_defaults(run=_serve)

    studio = commands.add_parser("studio", help="run the local engine in the foreground")
    studio.add_argument("--port", type=int, default=None, help="port on 127.0.0.1 (default: last)")
    studio.add_argument(
        "--require-key",
        action="store_true",
        help="serve only callers with a key of MOSAIC_STUDIO_KEYS",
    )
    studio.add_argument(
        "--host", default="127.0.0.1", help="address to listen on, with --require-key"
    )
    studio.add_argument("--no-work", action="store_true", help="leave the work to workers")
    studio.set_defaults(run=_studio)
    more = studio.add_subparsers(title="commands", metavar="COMMAND")
    collect = more.add_parser("gc", help="delete old outputs and caches (docs/disk.md)")
    collect.add_argument("--dry-run", action="store_true", help="only say what would go")
    collect.add_argument("--older-than", metavar="AGE", help="what is older goes: 12h, 30d, 2w")
    collect.add_argument(
        "--max-size", metavar="SIZE", help="the oldest go until this is left: 50GB"
    )
    collect.set_defaults(run=_gc)

    worker = commands.add_parser("worker", help="do runs of a studio's database (docs/cluster.md)")
    worker.add_argument("--port", type=int, help="answer /health and /metrics on 127.0.0.1:PORT")
    worker.add_argument(
        "--host", default="127.0.0.1", help="address for --port; /metrics then needs a key"
    )
    worker.set_defaults(run=_worker)

    models = commands.add_parser(
        "models", help="list what hears words; fetch one with `models get NAME`"
    )
    models.set_defaults(run=_models, action="list", name=None, given=None)
    actions = models.add_subparsers(title="commands", metavar="COMMAND", dest="action")
    actions.add_parser("list", help="what there is, how good it is, and what is used (default)")
    get = actions.add_parser("get", help="fetch a model's weights, checked by their hash")
    get.add_argument("name", metavar="NAME")
    get.add_argument(
        "--from", dest="given", metavar="FILE", type=Path, help="take this file or folder instead"
    )
    for action, what in (("check", "read a model's files byte by byte"), ("remove", "delete them")):
        actions.add_parser(action, help=what).add_argument("name", metavar="NAME")

    demo = commands.add_parser("demo", help="edit a video through the MCP tools, and show it")
    demo.add_argument("video", nargs="?", type=Path, help="your video (default: the sample)")
    demo.add_argument("--transcript", type=Path, help="its SRT or VTT (default: one beside it)")
    demo.add_argument("--agent", default=None, help="agent to run (default: vertical clips)")
    demo.add_argument("--out", type=Path, default=Path("mosaic-demo"), help="folder for results")
    demo.set_defaults(run=_demo)

    doctor = commands.add_parser("doctor", help="check FFmpeg, fonts, data folder, studio and key")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.set_defaults(run=_doctor)
    return parser


def _serve(args: argparse.Namespace) -> int:
    settings = Settings.from_env()
    _start_watching(settings)
    if args.http:
        from mosaic_mcp.server.http import serve_http

        http = HttpSettings.from_env()
        return serve_http(settings, http, host=args.host, port=args.port)
    if args.host is not None or args.port is not None:
        raise InvalidRequest([Fault("--host, --port", "go with --http.", "Add --http.")])
    server = _server(settings)
    try:
        server.run("stdio")
    except* BrokenPipeError:
        # The client went away in the middle of an answer, as it may. Nothing can be written to it
        # any more, not by the interpreter's last flush either (docs.python.org, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _start_watching(settings: Settings) -> None:
    """Logs, and the reason of a crash, to stderr; traces where they are wanted."""
    from mosaic_mcp import logs, traces

    faulthandler.enable()
    logs.start_logs(settings)
    traces.start_traces("mosaic-mcp")


def _server(settings: Settings) -> MosaicServer:
    """The server; what it is built of stays as long as it does."""
    from mosaic_mcp.importing import all_at_once

    with all_at_once():
        from mosaic_mcp.server import build_server

        return build_server(settings)


def _studio(args: argparse.Namespace) -> int:
    from mosaic_mcp.client.studio import require_studio_extra

    require_studio_extra()
    from mosaic_mcp.studio.process import Options, run

    options = Options(
        foreground=True,
        port=args.port,
        require_key=args.require_key,
        host=args.host,
        works=not args.no_work,
    )
    return run(Settings.from_env(), options)


def _worker(args: argparse.Namespace) -> int:
    from mosaic_mcp.client.studio import require_studio_extra

    require_studio_extra()
    from mosaic_mcp.importing import all_at_once

    with all_at_once():
        from mosaic_mcp.studio.worker import run_worker

    return run_worker(Settings.from_env(), args.port, args.host)


def _gc(args: argparse.Namespace) -> int:
    from mosaic_mcp.client.studio import require_studio_extra

    require_studio_extra()
    from mosaic_mcp.studio.keeping.command import age, amount, run_gc

    return run_gc(
        Settings.from_env(),
        dry_run=args.dry_run,
        older_than_s=None if args.older_than is None else age(args.older_than),
        max_bytes=None if args.max_size is None else amount(args.max_size),
    )


def _models(args: argparse.Namespace) -> int:
    from mosaic_mcp.client.studio import require_studio_extra

    require_studio_extra()
    from mosaic_mcp.studio.models.command import run_models

    return run_models(Settings.from_env(), args.action or "list", args.name, args.given)


def _demo(args: argparse.Namespace) -> int:
    from mosaic_mcp.demo import run_demo

    return run_demo(args.video, transcript=args.transcript, agent=args.agent, out=args.out)


def _doctor(args: argparse.Namespace) -> int:
    from mosaic_mcp.doctor import run_doctor

    return run_doctor(Settings.from_env(), as_json=args.json)
