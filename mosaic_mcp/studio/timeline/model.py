"""The timeline: every edit decision of a video, and no pixels.

Tiles change timelines; only an output is rendered. Times are exact fractions of a second. Words,
shots and faces stay in source time, so tiles may stand in any order: whatever a clip shows is
found by mapping its source range.

    Timeline
    ├── sources   the media that all parts refer to, by content hash
    ├── clips     parts of sources, one after the other: the picture and its sound
    ├── framing   how the picture is fitted to the canvas (reframe)
    ├── cutaways  other pictures for a while, the sound goes on (b-roll)
    ├── captions  which words to show, and how
    ├── graphics  titles, call-outs, counters drawn over the picture
    ├── faces     where faces are, for what is drawn to keep off them
    ├── overlays  pictures above the video (watermark)
    ├── tracks    sound beside that of the clips (music, a voice-over)
    └── sound     what is done to the whole sound (denoise, loudness)

Every part carries `tile`, the template node that made it, so that an error names its tile.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator

Seconds = Annotated[
    Fraction,
    PlainValidator(Fraction, json_schema_input_type=str),
    PlainSerializer(str, return_type=str, when_used="json"),
]
"""An exact time or rate, written "30000/1001" in JSON."""


class Part(BaseModel):
    """Base of everything in a timeline: closed and immutable; change with `model_copy`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Timecode(Part):
    """How a camera numbered the first picture of a file."""

    label: str
    """HH:MM:SS:FF; a semicolon before FF where numbers are dropped."""
    base: int
    """Numbers a second: mostly the frame rate, rounded; for some fast pictures half of it."""


class Source(Part):
    """A media file, known by the hash of its bytes."""

    sha256: str
    name: str
    """What the user called it, for people only: never part of a path or a filter."""
    kind: Literal["video", "image", "audio", "table"] = "video"
    """A table is a .cube file: how a look changes colours."""
    duration: Seconds = Fraction(0)
    width: int = 0
    """Width as shown, after rotation, in square pixels."""
    height: int = 0
    frame_rate: Seconds = Fraction(0)
    """The usual one where it varies; 0 without picture."""
    variable_frame_rate: bool = False
    rotation: int = 0
    """Degrees clockwise that a player turns the stored picture: 0, 90, 180 or 270."""
    audio_channels: int = 0
    """0 without sound."""
    audio_rate: int = 0
    unheard: tuple[str, ...] = ()
    """Number and title of each sound track behind the first, which alone is heard."""
    transcript: str | None = None
    """Id of a transcript that the user brought for this source."""
    timecode: Timecode | None = None
    """None: the file states none; editors count it from 00:00:00:00."""
    picture: str | None = None
    """Id of the asset of the still picture that this video shows from beginning to end."""
    origin: Literal["user", "studio", "folder"] = "user"
    """Who has the file: the user, who brought it; nobody, for the studio made it; or the user, in
    the folder of music or b-roll that it was chosen from."""


Point = tuple[float, float]
"""Of a curve: level before and after, 0..1 each."""


class Look(Part):
    """How the colours of a picture are changed; by default not at all."""

    tile: str = ""
    contrast: float = 1.0
    saturation: float = 1.0
    brightness: float = 0.0
    """Added to the lightness, -1..1."""
    red: tuple[Point, ...] = ()
    """Points of the curve for red, from (0, y) to (1, y); none: unchanged. So for the others."""
    green: tuple[Point, ...] = ()
    blue: tuple[Point, ...] = ()
    table: str | None = None
    """A table in the .cube format, by content hash; applied last."""
    dimensions: Literal[1, 3] = 3
    """Of the table."""


class Seen(Part):
    """A picture of a source that is shown for a while, and how it is changed."""

    source: str
    tile: str = ""
    mirror_x: bool = False
    """Left and right change sides."""
    mirror_y: bool = False
    look: Look | None = None


SeenT = TypeVar("SeenT", bound=Seen)


class Clip(Seen):
    """A part of a source: [start, end) in seconds of source time."""

    start: Seconds
    end: Seconds
    whole: bool = False
    """Shown whole over a blurred copy of itself, however the rest is framed (an intro)."""
    volume: float = 1.0
    """Of its own sound: 0 silent, 1 as it is."""

    @property
    def muted(self) -> bool:
        """Its own sound is off: what is said in it is not heard, so not shown and not written."""
        return not self.volume

    @property
    def duration(self) -> Fraction:
        """Seconds that the clip lasts."""
        return self.end - self.start


class CropKey(Part):
    """Where the crop's centre is at a time of the source, in fractions of its width and height.

    `cut` means: jump here (a shot begins). Otherwise the crop eases from the key before.
    """

    time: Seconds
    x: float
    y: float
    cut: bool = False


class Framing(Part):
    """How the picture meets the canvas.

    `crop` fills the canvas along a path per source; `pad` shows the whole picture over a blurred
    copy of itself.
    """

    tile: str = ""
    fit: Literal["crop", "pad"] = "crop"
    paths: dict[str, tuple[CropKey, ...]] = Field(default_factory=dict[str, tuple[CropKey, ...]])


class CaptionWord(Part):
    """A word to show, in source time."""

    source: str
    text: str
    start: Seconds
    end: Seconds
    strong: bool = False
    """It carries the meaning: a look with two fonts sets it in the second."""
    emoji: str = ""
    """A picture that pops up when it is said; one of those that we ship."""


Place = Literal[
    "auto",
    "top-left",
    "top",
    "top-right",
    "left",
    "center",
    "right",
    "bottom-left",
    "bottom",
    "bottom-right",
]
"""Where a block stands; `auto` keeps it off faces."""


class CaptionStyle(Part):
    """How captions look: the Captions tile's parameters, resolved (no None left but the size)."""

    style: Literal["colored", "scaling", "karaoke"] = "colored"
    base_color: str = "#F8FAFC"
    highlight_color: str = "#A78BCA"
    stroke_enabled: bool = True
    stroke_color: str = "#000000"
    stroke_width: float = 6.0
    shadow_enabled: bool = False
    shadow_color: str = "#000000"
    shadow_blur: float = 4.0
    shadow_opacity: float = 60.0
    font: str = "Montserrat"
    font_weight: str = "700"
    font_size_px: float | None = None
    """None: chosen from the canvas."""
    vertical_position: float = 75.0
    """Percent of the height: 90 just above the bottom, 50 centre, 20 top."""
    min_words: int = 2
    max_words: int = 4


class CinematicStyle(Part):
    """How captions in two fonts look: the Cinematic Captions tile's parameters, resolved."""

    style: Literal["cinematic"] = "cinematic"
    animation: Literal["fade", "pop", "slide", "typewriter", "cinematic", "highlight"] = "cinematic"
    font: str = "Montserrat"
    accent_font: str = "Besley"
    """Of the strong words."""
    color: str = "#FFFFFF"
    accent_color: str = "#FFD166"
    """Of the strong words."""
    shade_color: str = "#000000"
    """Of the soft shade behind letters that have no box."""
    box_color: str | None = None
    """None: no box behind the words."""
    box_opacity: float = 60.0
    stroke_color: str | None = None
    """None: no outline."""
    stroke_width: float = 4.0
    """Pixels of a picture whose short side is 1080."""
    position: Place = "auto"
    min_words: int = 2
    max_words: int = 5


class Captions(Part):
    """Words over the picture."""

    tile: str = ""
    words: tuple[CaptionWord, ...] = ()
    look: Annotated[CaptionStyle | CinematicStyle, Field(discriminator="style")] = CaptionStyle()


class FaceSeen(Part):
    """A face at a moment of a source: centre and size in fractions of the picture as shown."""

    time: Seconds
    x: float
    y: float
    width: float
    height: float


class Overlay(Part):
    """A still picture above the video for its whole length.

    `width` is a fraction of the canvas' width; margins are pixels of the canvas.
    """

    tile: str = ""
    source: str
    corner: Literal["top-left", "top-right", "bottom-left", "bottom-right"] = "bottom-right"
    width: float = 0.3
    opacity: float = 0.8
    margin_x: int = 20
    margin_y: int = 20


class Span(Part):
    """[start, end) of a source, wherever its clips stand in the output, if they do."""

    source: str
    start: Seconds
    end: Seconds


class Graphic(Part):
    """Something drawn over the picture while a span of a source is shown.

    What the texts say depends on the kind: a lower third has a name and a role, a number its label,
    a list its heading and points.
    """

    tile: str = ""
    kind: Literal[
        "title", "chapter", "lower-third", "call-out", "quote", "number", "list", "progress"
    ]
    texts: tuple[str, ...] = ()
    over: Span | None = None
    """None: for the whole length."""
    cues: tuple[Seconds, ...] = ()
    """When each point of a list appears, in source time; those without one appear at once."""
    whole: bool = False
    """It covers the whole picture."""
    place: Place = "auto"
    color: str = "#FFD166"
    """Of bars, boxes and lines."""
    font: str = "Montserrat"


class Cutaway(Seen):
    """Another picture while a span of a source is shown; it fills the canvas.

    Its source is a video or a still picture; its sound is not heard.
    """

    start: Seconds = Fraction(0)
    """Where in the source the picture begins. Where it ends early, its last frame stands."""
    over: Span


class Track(Part):
    """Sound beside that of the clips, in output time.

    Music becomes softer while somebody speaks; under a voice, everything else does.
    """

    tile: str = ""
    source: str
    kind: Literal["music", "voice"] = "music"
    at: Seconds = Fraction(0)
    """Where in the output it begins."""
    start: Seconds = Fraction(0)
    """Where in the source it begins."""
    end: Seconds | None = None
    """Where in the source it ends; None: with the source."""
    loop: bool = False
    """Begin again until the output ends, or `until`."""
    until: Seconds | None = None
    """Where in the output it ends at the latest; None: with the output."""
    gain_db: float = 0.0
    duck_db: float = 0.0
    """Added to the gain of what becomes softer: 0 or below."""
    fade_s: float = 0.0
    """Seconds of fade at both ends."""


class Sound(Part):
    """What is done to the whole sound."""

    tile: str = ""
    denoise: bool = False
    loudness_lufs: float | None = None
    """Integrated loudness to reach, LUFS (EBU R128); None leaves it."""
    true_peak_db: float = -1.0


class Timeline(Part):
    """A video as decided so far."""

    name: str
    """What people read: "talk, clip 2"."""
    width: int
    height: int
    frame_rate: Seconds
    sources: dict[str, Source] = Field(default_factory=dict[str, Source])
    clips: tuple[Clip, ...] = ()
    framing: Framing | None = None
    captions: Captions | None = None
    graphics: tuple[Graphic, ...] = ()
    faces: dict[str, tuple[FaceSeen, ...]] = Field(default_factory=dict[str, tuple[FaceSeen, ...]])
    """By source; only where something is drawn that minds them."""
    cutaways: tuple[Cutaway, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    tracks: tuple[Track, ...] = ()
    sound: Sound | None = None

    @property
    def duration(self) -> Fraction:
        """Seconds of the whole."""
        return sum((c.duration for c in self.clips), Fraction(0))

    @property
    def media(self) -> set[str]:
        """Hashes of all files that a render needs."""
        parts = (*self.clips, *self.cutaways, *self.overlays, *self.tracks)
        looks = [part.look for part in (*self.clips, *self.cutaways)]
        tables = {look.table for look in looks if look and look.table}
        return {part.source for part in parts} | tables
