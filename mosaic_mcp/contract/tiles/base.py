"""What every parameter model and catalogue entry is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict


@dataclass(frozen=True, slots=True)
class Clash:
    """Values that do not go together."""

    where: str
    """The parameter that it is told of."""
    what: str
    """What is wrong with it, and what to do."""
    between: Sequence[str] = ()
    """The parameters that clash; none where one of them has a default on Mosaic's page that does.

    On the hosted engine it counts only between values that were given: its defaults may be others.
    """


class Params(BaseModel):
    """Parameters of a tile: closed, so that a misspelt name is refused, not ignored.

    Strict: the contract refuses a number where it wants a text (`caption_font_weight`), and
    "yes" is no boolean. A field whose key is not in Mosaic's public pages is marked `inferred`; one
    whose default or range is not there is marked `guessed`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    documented: ClassVar[bool] = True
    """False: the tile's page lists parameters that we have not seen, so that a name which we do
    not know, and a value beyond our bounds, may still be right on the hosted engine."""

    def together(self) -> list[Clash]:
        """What is wrong with the values beside each other."""
        return []


def inferred() -> JsonDict:
    """Marks a field whose name we chose: `Field(json_schema_extra=inferred())`."""
    return {"inferred": True}


def guessed() -> JsonDict:
    """Marks a field whose name is Mosaic's, and whose default or range is not public: ours."""
    return {"guessed": True}


def ours(instead: str) -> JsonDict:
    """Marks a field that Mosaic does not have, and says what to do on the hosted engine."""
    return {"ours": instead}


Text = Annotated[str, Field(max_length=4000)]
Script = Annotated[str, Field(max_length=40_000)]
"""What is said: about 40 minutes of it."""
AssetId = Annotated[str, Field(min_length=1, max_length=128)]
Color = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$", description="Hex colour, as #A78BCA")]
Percent = Annotated[float, Field(ge=0, le=100)]
"""A whole or broken number; the contract writes 30 and 30.5 alike."""
