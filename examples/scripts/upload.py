"""Send a file to a server of `mosaic-mcp serve --http` and print its id, for `videos` of a call.

For example:

    MOSAIC_TOKEN=… uv run python examples/scripts/upload.py https://video.example.org my.mp4
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import httpx


def main() -> None:
    parser = argparse.ArgumentParser(description="Send a file to a server and print its id.")
    parser.add_argument("server", help="the server's address, without /mcp")
    parser.add_argument("file", type=Path)
    parser.add_argument("--type", default="video", choices=["video", "audio", "image"])
    args = parser.parse_args()
    headers = {"authorization": f"Bearer {os.environ['MOSAIC_TOKEN']}"}
    uploads, named = f"{args.server.rstrip('/')}/uploads/{args.type}", f"{args.type}_id"

    with httpx.Client(timeout=600) as http, args.file.open("rb") as file:
        ticket = http.post(f"{uploads}/get_upload_url", headers=headers).raise_for_status().json()
        # The address and the fields are a permission of their own: the token does not go there.
        http.post(
            ticket["upload_url"], data=ticket["upload_fields"], files={"file": file}
        ).raise_for_status()
        http.post(
            f"{uploads}/finalize_upload", headers=headers, json={named: ticket[named]}
        ).raise_for_status()
    print(ticket[named])


if __name__ == "__main__":
    main()
