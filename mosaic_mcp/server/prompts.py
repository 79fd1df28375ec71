"""The prompts: Markdown files of `prompts/`, each with a YAML head.

    ---
    title: Podcast to shorts
    description: One sentence that a person chooses by.
    arguments:
      - name: video
        description: What to give
        required: true            # or: default: what the text says when it is left out
        completes: agents         # or: runs
    ---
    Text for the model, with {{video}} where the value goes.

The file's name is the prompt's. Heads are read when prompts are listed, a text when it is asked
for. A value stands in the text as a JSON string: it is data, whatever it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, GetPromptResult, PromptMessage, TextContent
from mcp_types import Prompt as ListedPrompt
from mcp_types import PromptArgument as ListedArgument
from pydantic import BaseModel, ConfigDict, Field, model_validator

import mosaic_mcp
from mosaic_mcp.server.failures import did_you_mean
from mosaic_mcp.server.icons import PROMPT
from mosaic_mcp.server.quoting import quoted

PACKAGE = Path(mosaic_mcp.__file__).parent
FOLDERS = (PACKAGE / "prompts", PACKAGE.parent / "prompts")
"""Where a wheel carries them, and where a checkout has them."""

MOST = 4_096
"""Characters of one value: the longest path or URL that a tool takes."""

_PLACE = re.compile(r"\{\{(\w+)\}\}")
_FENCE = "---\n"

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Line = Annotated[str, Field(min_length=1, max_length=300)]


class Argument(BaseModel):
    """Something that a prompt is given: required, or with words that stand in its place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: Line
    required: bool = False
    default: Line | None = None
    completes: Literal["agents", "runs"] | None = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Argument:
        if self.required == (self.default is not None):
            raise ValueError(f"{self.name}: say `required: true`, or a `default`, not both")
        return self


class Head(BaseModel):
    """What a file says about its prompt."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Line
    description: Line
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt whose text is still on disk."""

    path: Path
    head: Head

    @property
    def name(self) -> str:
        """The name that clients ask for."""
        return self.path.stem

    def argument(self, name: str) -> Argument | None:
        """The argument of that name."""
        return next((a for a in self.head.arguments if a.name == name), None)

    def listed(self) -> ListedPrompt:
        """The prompt as clients list it."""
        return ListedPrompt(
            name=self.name,
            title=self.head.title,
            description=self.head.description,
            arguments=[
                ListedArgument(name=a.name, description=a.description, required=a.required)
                for a in self.head.arguments
            ],
            icons=[PROMPT],
        )

    def text(self, values: Mapping[str, str]) -> str:
        """The text with its values; those left out (or blank) have their default words."""
        spoken = {a.name: a.default or "" for a in self.head.arguments}
        spoken |= {name: quoted(value) for name, value in values.items() if value.strip()}
        with self.path.open(encoding="utf-8") as lines:
            _head_lines(lines, self.path)
            return _PLACE.sub(lambda place: spoken[place[1]], lines.read()).strip()


def files(folder: Path | None = None) -> dict[str, Path]:
    """The files of the prompts, by prompt name."""
    folder = folder or next((f for f in FOLDERS if f.is_dir()), FOLDERS[0])
    return {path.stem: path for path in sorted(folder.glob("*.md"))}


def all_prompts() -> list[Prompt]:
    """Every prompt, in the order of the names; no text is read."""
    return [read_head(path) for path in files().values()]


def find(name: str) -> Prompt | None:
    """The prompt of that name; the name is looked up, never made a path."""
    path = files().get(name)
    return read_head(path) if path else None


def read_head(path: Path) -> Prompt:
    """The prompt of a file. Raises ValueError when its head is not as described above."""
    import yaml  # not needed before a client asks for prompts

    with path.open(encoding="utf-8") as lines:
        head = yaml.safe_load("".join(_head_lines(lines, path)))
    return Prompt(path, Head.model_validate(head))


def _head_lines(lines: Iterator[str], path: Path) -> list[str]:
    """Read to the end of the head."""
    if next(lines, "") == _FENCE:
        head: list[str] = []
        for line in lines:
            if line == _FENCE:
                return head
            head.append(line)
    raise ValueError(f"{path.name} does not begin with a head between two lines of ---")


def render(name: str, arguments: Mapping[str, str] | None) -> GetPromptResult:
    """The prompt's text for the model. Raises MCPError (-32602) with everything that is wrong."""
    prompt = find(name)
    if prompt is None:
        names = list(files())
        raise _refused(
            f"There is no prompt {name[:80]!r}.{did_you_mean(name, names)} "
            f"Prompts: {', '.join(names)}."
        )
    values = dict(arguments or {})
    if faults := _faults(prompt, values):
        raise _refused("\n".join([f"{prompt.name}: nothing was prepared.", *faults]))
    message = TextContent(type="text", text=prompt.text(values))
    return GetPromptResult(
        description=prompt.head.description, messages=[PromptMessage(role="user", content=message)]
    )


def _faults(prompt: Prompt, values: Mapping[str, str]) -> list[str]:
    names = [a.name for a in prompt.head.arguments]
    faults = [
        f"- unknown argument {name[:80]!r}."
        f"{did_you_mean(name, names) or ' Arguments: ' + ', '.join(names) + '.'}"
        for name in values
        if name not in names
    ]
    faults += [
        f"- {a.name}: required. {a.description}."
        for a in prompt.head.arguments
        if a.required and not values.get(a.name, "").strip()
    ]
    faults += [
        f"- {name}: {len(value)} characters; at most {MOST} are taken."
        for name, value in values.items()
        if len(value) > MOST
    ]
    return faults


def _refused(message: str) -> MCPError:
    return MCPError(code=INVALID_PARAMS, message=message)
