from pathlib import Path
def write(timeline, fonts: Path, job: Path) -> list[str]:
    (job/"captions.ass").write_text("[Script Info]\n")
    return []
