"""What programs that open strangers' media know of us: nothing that opens anything else."""

import ast
import json
import os
import sys
from pathlib import Path

import pytest

import mosaic_mcp
from mosaic_mcp.errors import MediaError, RenderFailed
from mosaic_mcp.studio.children import NETWORK, environment
from mosaic_mcp.studio.ingest.youtube import download_youtube
from mosaic_mcp.studio.perception.calling import call
from mosaic_mcp.studio.render.ffmpeg import run_ffmpeg
from mosaic_mcp.studio.runs.recipes import tool_version

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "hush-of-aws",
    "AWS_ACCESS_KEY_ID": "hush-id",
    "MOSAIC_API_KEY": "mk_hush",
    "MOSAIC_STUDIO_KEYS": "mk_hush=anna",
    "MOSAIC_STUDIO_DATABASE": "postgresql://u:hush@db/x",
    "MOSAIC_WEBHOOK_SECRET": "whsec_hush",
    "PGPASSWORD": "hush-pg",
    "ANTHROPIC_API_KEY": "sk-hush",
    "SSH_AUTH_SOCK": "/hush.sock",
    "FFREPORT": "file=/hush",
}
NEEDED = {"PATH": os.environ["PATH"], "FONTCONFIG_FILE": "/fonts.conf", "LC_TIME": "de_DE.UTF-8"}
PROXY = "http://user:word@proxy:3128"


@pytest.fixture(autouse=True)
def rich(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with keys to everything."""
    for name, value in {**SECRETS, **NEEDED, "HTTPS_PROXY": PROXY}.items():
        monkeypatch.setenv(name, value)


def telling(folder: Path, form: str) -> Path:
    """A program that says what it finds in its environment; `form` is Python that prints `env`."""
    program = folder / "telling"
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\nenv = dict(os.environ)\n{form}\n"
    )
    program.chmod(0o700)
    return program


def check(env: dict[str, str]) -> None:
    assert [name for name in env if name in SECRETS] == []
    assert "hush" not in json.dumps(env)
    assert {name: env.get(name) for name in NEEDED} == NEEDED


async def test_ffmpeg_and_its_guard_find_no_secret(tmp_path: Path):
    program = telling(tmp_path, "print(json.dumps(env), file=sys.stderr); sys.exit(1)")
    with pytest.raises(RenderFailed) as failure:
        await run_ffmpeg(program, [], cwd=tmp_path)
    env = json.loads(failure.value.log)
    check(env)
    assert "HTTPS_PROXY" not in env
    shown = telling(tmp_path, "print(json.dumps(env))")
    check(json.loads(await tool_version(shown)))


async def test_the_helper_that_opens_media_finds_no_secret(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(telling(tmp_path, "print(json.dumps(env))")))
    env = await call("probe", path="x")
    check(env)
    assert "HTTPS_PROXY" not in env


async def test_yt_dlp_finds_no_secret_but_the_way_to_the_internet(tmp_path: Path, monkeypatch):
    told = '{"error": {"code": "bad_media", "message": json.dumps(env)}}'
    monkeypatch.setattr(sys, "executable", str(telling(tmp_path, f"print(json.dumps({told}))")))
    with pytest.raises(MediaError) as failure:
        await download_youtube("https://youtu.be/dQw4w9WgXcQ", tmp_path)
    env = json.loads(failure.value.message)
    check(env)
    assert env["HTTPS_PROXY"] == PROXY
    assert env["TMPDIR"] == str(tmp_path), "what it writes goes with the job's folder"


def test_names_are_known_in_either_case():
    """Windows' are, and some programs set proxies in small letters."""
    whole = {"SystemRoot": "C:\\Windows", "Path": "C:\\", "https_proxy": "p", "aws_secret": "x"}
    assert environment(whole=whole) == {"SystemRoot": "C:\\Windows", "Path": "C:\\"}
    assert "https_proxy" in environment(NETWORK, whole=whole)


def test_every_program_that_the_studio_starts_is_given_an_environment():
    """One that is not given any inherits ours, with all keys."""
    starts = {"open_process", "run_process", "Popen", "run", "create_subprocess_exec"}
    owners = {"anyio", "subprocess", "asyncio"}
    found, wrong = 0, []
    for path in (Path(mosaic_mcp.__file__).parent / "studio").rglob("*.py"):
        if path.name == "guard.py":  # which passes on what it was given
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)):
                    if (owner, name) in {("asyncio", "run"), ("anyio", "run")}:
                        continue
                    if owner in owners and name in starts:
                        found += 1
                        if "env" not in {keyword.arg for keyword in node.keywords}:
                            wrong.append(f"{path.name}:{node.lineno}")
                case _:
                    pass
    assert found >= 2
    assert wrong == []
