"""The pages that the code writes are what the code gives, and the code is all in them."""

import re
from pathlib import Path

import pytest

from mosaic_mcp import cli
from mosaic_mcp.settings import HttpSettings, Settings
from tests.support.make_docs import DOCS, PAGES, documented_variables

ROOT = DOCS.parent
HAND_WRITTEN = [
    ROOT / "README.md",
    DOCS / "cluster.md",
    DOCS / "disk.md",
    DOCS / "http.md",
    DOCS / "models.md",
    DOCS / "observing.md",
    DOCS / "rendering.md",
    DOCS / "troubleshooting.md",
    DOCS / "webhooks.md",
    ROOT / "examples" / "README.md",
]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_gives(name: str):
    text = (DOCS / name).read_text("utf-8")
    assert text == PAGES[name](), "run: python -m tests.support.make_docs"


class Environment(dict[str, str]):
    """An empty environment that remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:
        self.asked.add(key)
        return default


def test_the_environment_page_has_every_variable_that_is_read_and_no_other():
    environment = Environment()
    Settings.from_env(environment)
    HttpSettings.from_env(environment)
    asked = {name for name in environment.asked if name.startswith("MOSAIC_")}
    assert sorted(documented_variables()) == sorted(asked)


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=lambda page: page.name)
def test_every_command_of_a_page_is_one_that_the_program_takes(page: Path):
    text = page.read_text("utf-8")
    commands = re.findall(r"uv run mosaic-mcp((?: [\w./-]+)*)", " ".join(text.split()))
    assert commands
    for command in commands:
        cli._parser().parse_args(command.split())


@pytest.mark.parametrize("page", sorted({*DOCS.glob("*.md"), *HAND_WRITTEN}), ids=lambda p: p.name)
def test_links_of_a_page_lead_somewhere(page: Path):
    text = page.read_text("utf-8")
    anchors = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in _headings(text)}
    for link in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        if not path.startswith("https://"):
            assert not path or (page.parent / path).exists(), link
            assert path or anchor in anchors, link


def _headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)
