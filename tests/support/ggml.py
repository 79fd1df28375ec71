"""A ggml file for whisper.cpp, made from the weights that a Python package brings for CTranslate2.

whisper.cpp's own files are on no package registry. These are the same numbers in its container, so
that its adapter can be run. Formats: CTranslate2's `model_spec.py` (binary version 6) and
whisper.cpp's `models/convert-pt-to-ggml.py`.
"""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_BASE_TOKENS = 50257
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_NAMES = (
    (r"^(en|de)coder/layer_(\d+)/", r"\1coder.blocks.\2."),
    (r"self_attention/layer_norm", "attn_ln"),
    (r"attention/layer_norm", "cross_attn_ln"),
    (r"ffn/layer_norm", "mlp_ln"),
    (r"ffn/linear_0", "mlp.0"),
    (r"ffn/linear_1", "mlp.2"),
    (r"^encoder/layer_norm", "encoder.ln_post"),
    (r"^decoder/layer_norm", "decoder.ln"),
    (r"/position_encodings/encodings", ".positional_embedding"),
    (r"^decoder/embeddings", "decoder.token_embedding"),
    (r"/gamma$", ".weight"),
    (r"/beta$", ".bias"),
    (r"/", "."),
)


def make_ggml(folder: Path, out: Path) -> Path:
    """Write the Whisper model of a CTranslate2 folder as a ggml file with 16-bit weights."""
    from faster_whisper.feature_extractor import FeatureExtractor

    weights = _read(folder / "model.bin")
    width = weights["encoder/conv1/weight"].shape[0]
    layers = 1 + max(int(m[1]) for n in weights if (m := re.match(r"encoder/layer_(\d+)/", n)))
    heads = width // 64
    mels = np.asarray(FeatureExtractor(feature_size=80).mel_filters, np.float32)
    with out.open("wb") as file:
        shape = [len(weights["decoder/embeddings/weight"]), 1500, width, heads, layers]
        file.write(struct.pack("<12i", 0x67676D6C, *shape, 448, width, heads, layers, 80, 1))
        file.write(struct.pack("<2i", *mels.shape) + mels.tobytes())
        tokens = _tokens(folder / "tokenizer.json")
        file.write(struct.pack("<i", len(tokens)))
        for token in tokens:
            file.write(struct.pack("<i", len(token)) + token)
        for name, value in weights.items():
            if value.ndim and not name.endswith("alignment_heads"):
                for part, rows in _parts(name, value):
                    _write(file, part, rows)
    return out


def _read(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    found: dict[str, np.ndarray[Any, Any]] = {}
    with path.open("rb") as file:

        def number(kind: str) -> int:
            return struct.unpack(f"<{kind}", file.read(struct.calcsize(kind)))[0]

        def text() -> str:
            return file.read(number("H"))[:-1].decode()

        assert number("I") == 6
        text(), number("I")
        for _ in range(number("I")):
            name, rank = text(), number("B")
            shape = [number("I") for _ in range(rank)]
            kind = _TYPES[number("B")]
            found[name] = np.frombuffer(file.read(number("I")), kind).reshape(shape)
    return found


def _tokens(path: Path) -> list[bytes]:
    """The tokens in the order of their numbers; they are stored with stand-ins for bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    byte_of = {chr(b): b for b in plain} | {chr(256 + n): b for n, b in enumerate(others)}
    vocabulary = json.loads(path.read_text("utf-8"))["model"]["vocab"]
    ordered = sorted(vocabulary, key=vocabulary.__getitem__)[:_BASE_TOKENS]
    return [
        token.encode() if token.startswith("<|") else bytes(byte_of[c] for c in token)
        for token in ordered
    ]


def _parts(name: str, value: np.ndarray[Any, Any]) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """A tensor under its name there; those that CTranslate2 has joined are taken apart."""
    joined = re.match(r"(.*)/(self_)?attention/linear_(\d)/(weight|bias)$", name)
    if joined is None:
        for pattern, other in _NAMES:
            name = re.sub(pattern, other, name)
        return [(name, value[:, None] if re.search(r"conv\d\.bias", name) else value)]
    layer, own, place, kind = joined.groups()
    start = re.sub(*_NAMES[0], f"{layer}/") + ("attn" if own else "cross_attn")
    whole = ("query", "key", "value") if own else (("query",), ("key", "value"))[place == "1"]
    if place == ("1" if own else "2"):
        whole = ("out",)
    pieces = np.split(value, len(whole))
    return [
        (f"{start}.{part}.{kind}", piece)
        for part, piece in zip(whole, pieces, strict=True)
        if (part, kind) != ("key", "bias")
    ]


def _write(file: BinaryIO, name: str, value: np.ndarray[Any, Any]) -> None:
    half = value.ndim > 1 and "positional" not in name and not re.search(r"conv\d\.bias", name)
    data = value.astype(np.float16 if half else np.float32)
    file.write(struct.pack("<3i", data.ndim, len(name), int(half)))
    file.write(struct.pack(f"<{data.ndim}i", *reversed(data.shape)))
    file.write(name.encode() + data.tobytes())
