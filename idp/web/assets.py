"""Static files: read once, served under a URL that names their content.

``/static/<digest>/<name>``: one digest for all files together, so that a style sheet finds its
fonts by a relative URL. Only what was read at start can be served: no path is ever opened.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from idp.core.handles import b64url
from idp.web.http import HttpError, Request, Response

PATH = "/static/<digest>/<path:name>"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
FOR_EVER = "public, max-age=31536000, immutable"

_DIRECTORY = Path(__file__).with_name("static")


@dataclass(frozen=True, slots=True)
class Assets:
    """Every static file by name, and the digest over all."""

    digest: str
    files: dict[str, bytes]


@cache
def assets() -> Assets:
    """Read the files, once."""
    files = {
        path.relative_to(_DIRECTORY).as_posix(): path.read_bytes()
        for path in sorted(_DIRECTORY.rglob("*"))
        if path.suffix in TYPES
    }
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(name.encode() + b"\x00" + hashlib.sha256(content).digest())
    return Assets(b64url(digest.digest()[:9]), files)


def static_url(name: str) -> str:
    """The URL path of a static file.

    Raises:
        KeyError: there is no such file.
    """
    found = assets()
    found.files[name]
    return f"/static/{found.digest}/{name}"


def static_file(request: Request, digest: str, name: str) -> Response:
    """Serve a file; under another version's digest too, for pages of a node not yet renewed.

    Raises:
        HttpError: 404.
    """
    found = assets()
    if name not in found.files:
        raise HttpError(404, "no such file")
    headers = {
        "Content-Type": TYPES[Path(name).suffix],
        "Cache-Control": FOR_EVER if digest == found.digest else "no-cache",
    }
    return Response(200, found.files[name], headers)
