"""What every parameter model and catalogue entry is."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict


class Params(BaseModel):
    """Parameters of a tile: closed, so that a misspelt name is refused, not ignored.

    Strict: the contract refuses a number where it wants a text (`caption_font_weight`), and
    "yes" is no boolean. A field whose key is not in Mosaic's public pages is marked `inferred`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    documented: ClassVar[bool] = True
    """False: the tile's page lists parameters that we have not seen, so that a name which we do
    not know may still be right on the hosted engine."""

    def together(self) -> dict[str, str]:
        """What is wrong with the values beside each other: parameter -> what and what to do."""
        return {}


def inferred() -> JsonDict:
    """Marks a field whose name we chose: `Field(json_schema_extra=inferred())`."""
    return {"inferred": True}


def ours(instead: str) -> JsonDict:
    """Marks a field that Mosaic does not have, and says what to do on the hosted engine."""
    return {"ours": instead}


Text = Annotated[str, Field(max_length=4000)]
AssetId = Annotated[str, Field(min_length=1, max_length=128)]
Color = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$", description="Hex colour, as #A78BCA")]
Percent = Annotated[float, Field(ge=0, le=100)]
"""A whole or broken number; the contract writes 30 and 30.5 alike."""
