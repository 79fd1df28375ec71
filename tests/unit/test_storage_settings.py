"""Which storage the settings mean, and what a store's refusals mean."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mosaic_mcp.errors import EngineUnavailable, InvalidRequest
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.showing import content_disposition
from mosaic_mcp.studio.storage import open_storage
from mosaic_mcp.studio.storage.bucket import Bucket
from mosaic_mcp.studio.storage.folder import Folder
from mosaic_mcp.studio.storage.refusals import refusal


def opened(tmp_path: Path, said: str | None):
    settings = Settings.from_env(
        {"MOSAIC_HOME": str(tmp_path), "MOSAIC_STUDIO_STORAGE": said or ""}
    )
    return open_storage(settings, tmp_path / "work")


@pytest.mark.parametrize(
    ("said", "root"),
    [(None, "home"), ("/shared/mosaic", "/shared/mosaic"), ("file:///a%20b", "/a b")],
)
def test_without_a_bucket_files_lie_in_a_folder(tmp_path, said, root):
    storage = opened(tmp_path / "home", said)
    assert isinstance(storage, Folder)
    assert storage.root == tmp_path / root


def test_a_bucket_is_named_without_being_called(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "known")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    storage = opened(tmp_path, "s3://bucket/some/prefix/")
    assert isinstance(storage, Bucket)
    assert repr(storage) == "Bucket('bucket', 'some/prefix')"


@pytest.mark.parametrize("said", ["s3://", "gs://bucket", "https://s3.x/b", "s3://b/p?secret=x"])
def test_another_storage_is_refused_with_the_rule(tmp_path, said):
    with pytest.raises(InvalidRequest, match="s3://bucket/prefix") as refused:
        opened(tmp_path, said)
    assert "secret" not in str(refused.value)


def test_without_the_extra_the_command_to_install_it_is_told(tmp_path):
    code = (
        "import sys\n"
        "sys.modules['obstore'] = None\n"
        "from mosaic_mcp.studio.__main__ import main\n"
        "sys.exit(main([]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "MOSAIC_HOME": str(tmp_path),
            "MOSAIC_STUDIO_STORAGE": "s3://bucket",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    console = (tmp_path / "studio/log/console.log").read_text()
    assert done.returncode == 1
    assert 'pip install "mosaic-mcp[studio,cluster]"' in console
    assert "Traceback" not in console


def said(status: int, code: str) -> str:
    return (
        f"Generic S3 error: ... Server returned non-2xx status code: {status} X: <Error>"
        f"<Code>{code}</Code><CanonicalRequest>x-amz-security-token:hidden</CanonicalRequest>"
    )


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (said(404, "NoSuchBucket"), "There is no bucket 'mine'"),
        (said(403, "SignatureDoesNotMatch"), "refuses the studio (403 SignatureDoesNotMatch)"),
        (said(507, "XMinioStorageFull"), "is full (507 XMinioStorageFull)"),
        (said(403, "QuotaExceeded"), "is full (403 QuotaExceeded)"),
        (said(503, "SlowDown"), "does not answer (503 SlowDown)"),
        ("error sending request", "does not answer."),
    ],
)
def test_a_refusal_is_told_in_our_words_and_may_be_tried_again(text, means):
    error = refusal(Exception(text), "mine")
    assert means in error.message
    assert error.retryable
    assert error.remedy
    assert "hidden" not in str(error)


def test_half_of_the_credentials_is_told_before_anything_is_called(tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    with pytest.raises(EngineUnavailable, match="no credentials were found") as refused:
        opened(tmp_path, "s3://bucket")
    assert "very-secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Talk.mp4", 'inline; filename="Talk.mp4"'),
        ("Größe/1", "inline; filename*=utf-8''Gr%C3%B6%C3%9Fe_1.mp4"),
        ('a"; x="', "inline; filename*=utf-8''a_%3B%20x%3D.mp4"),
    ],
)
def test_a_name_stands_in_a_header_whatever_it_is(name, header):
    assert content_disposition(name, ".mp4") == header
