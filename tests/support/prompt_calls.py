"""The tool calls that a text for models shows, read from its code spans."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SPAN = re.compile(r"`([^`]+)`")
_CALL = re.compile(r"[a-z_]+\(.*\)", re.DOTALL)
_KEYWORD = re.compile(r"[a-z_]+=[^=]")
_JSON_WORDS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class ShownCall:
    """A call, or only some of its arguments (`tool` is empty then)."""

    tool: str
    arguments: dict[str, Any]


def calls(text: str) -> Iterator[ShownCall]:
    """Every call and every argument that stands between backticks."""
    for span in _SPAN.findall(text):
        if _CALL.fullmatch(span):
            yield _read(span)
        elif _KEYWORD.match(span):
            yield ShownCall("", _read(f"f({span})").arguments)


def _read(span: str) -> ShownCall:
    call = ast.parse(span, mode="eval").body
    assert isinstance(call, ast.Call), span
    assert isinstance(call.func, ast.Name), span
    assert not call.args, f"{span}: name the arguments"
    arguments = {str(k.arg): ast.literal_eval(_Json().visit(k.value)) for k in call.keywords}
    return ShownCall(call.func.id, arguments)


class _Json(ast.NodeTransformer):
    """`true`, `false` and `null` as a model writes them."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        assert node.id in _JSON_WORDS, f"{node.id} is no value"
        return ast.Constant(_JSON_WORDS[node.id])
