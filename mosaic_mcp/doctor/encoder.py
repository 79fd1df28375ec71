"""Which encoder renders use, and how those of this machine did when they were tried."""

from __future__ import annotations

from collections.abc import Iterator

import anyio

from mosaic_mcp.doctor.finding import Finding
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.render import choosing
from mosaic_mcp.studio.render.encoders import HARDWARE, SOFTWARE
from mosaic_mcp.studio.render.ffmpeg import find_ffmpeg


def examine_encoder(settings: Settings) -> Iterator[Finding]:
    """What `MOSAIC_ENCODER` and this machine decide."""
    name, mend = "hardware", f"Unset MOSAIC_ENCODER, or set it to {SOFTWARE}."
    if settings.encoder in HARDWARE:
        chosen, binary = HARDWARE[settings.encoder], find_ffmpeg(settings)
        trial = anyio.run(choosing.try_encoder, binary, chosen)
        said = f"{chosen.name} (MOSAIC_ENCODER)"
        failed = f"{said} does not work here: {trial.why}"
        yield Finding(name, "fail", failed, mend) if trial.why else Finding(name, "ok", said)
    elif settings.encoder == SOFTWARE:
        yield Finding(name, "ok", f"{SOFTWARE} (MOSAIC_ENCODER)")
    elif settings.encoder != choosing.AUTO:
        yield Finding(name, "fail", f"MOSAIC_ENCODER={settings.encoder} is none we know", mend)
    elif not (there := choosing.present()):
        yield Finding(name, "ok", f"{SOFTWARE}: this machine has no device that encodes")
    else:
        trials = choosing.read_trials(settings.home / "studio" / choosing.FILE)
        if trials is None:
            said = f"{SOFTWARE}, or better, to be tried at the first render: {', '.join(there)}"
        else:
            best = next((trial.name for trial in trials if trial.better), SOFTWARE)
            said = f"{best}; tried: {'; '.join(map(str, trials))}"
        yield Finding(name, "ok", said)
