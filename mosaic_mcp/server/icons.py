"""Icons as data: one colour that reads on light and dark, and nothing to fetch.

Hosts must take PNG and should take SVG: the server has both, the many small ones are SVG.
"""

from __future__ import annotations

import base64

from mcp_types import Icon

COLOUR = "#7C5CE0"
_MARK_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAADAAAAAwAgMAAAAqbBEUAAAADFBMVEUAAABtSuCni8r4+vwZaBKIAAAAAXRSTlMAQObYZgAA"
    "AFxJREFUeNpjYCAdMDKEMjAw/N+2gIGB4RoTssyw5hAdOqsYGBj+xQYwMDC8Jmw0E4rMAmQOBzKHqQHZAA1kDhOK0QuQOQlI"
    "nH/Iym4gcf4hG/0D2dIEJM4/qoQOAJlADwsPGHu5AAAAAElFTkSuQmCC"
)


def _svg(path: str) -> Icon:
    """An icon drawn by one path on a field of 24 by 24."""
    drawing = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'>"
        f"<path fill='{COLOUR}' fill-rule='evenodd' d='{path}'/></svg>"
    )
    data = base64.b64encode(drawing.encode()).decode()
    return Icon(src=f"data:image/svg+xml;base64,{data}", mime_type="image/svg+xml", sizes=["any"])


SERVER = [
    _svg("M2 2h9v9H2zM13 2h9v9h-9zM2 13h9v9H2zM13 13h9v9h-9zm3 2v5l4-2.5z"),
    Icon(src=f"data:image/png;base64,{_MARK_PNG}", mime_type="image/png", sizes=["48x48"]),
]
LOOK = _svg("M12 5C6 5 2 12 2 12s4 7 10 7 10-7 10-7-4-7-10-7zm0 11a4 4 0 1 1 0-8 4 4 0 0 1 0 8z")
START = _svg("M6 4v16l14-8z")
CHANGE = _svg("M3 21l1-6L16 3l5 5L9 20z")
PROMPT = _svg("M3 4h18v13H11l-5 4v-4H3z")
DOCUMENT = _svg("M5 2h9v6h6v14H5zM16 2l4 4h-4z")
