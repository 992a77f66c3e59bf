"""A public document: prebuilt bytes, ETag (RFC 9110 §8.8) and cache lifetime."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.core.handles import b64url
from idp.core.strict_json import dumps
from idp.web.http import Request, Response


@dataclass(frozen=True, slots=True)
class Document:
    """Public JSON, readable from any origin."""

    body: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, value: Mapping[str, Any], *, max_age: int) -> "Document":
        """The document of a JSON object; ``max_age`` in seconds."""
        body = dumps(value)
        headers = {
            "Content-Type": "application/json",
            "Cache-Control": f"public, max-age={max_age}",
            "ETag": f'"{b64url(hashlib.sha256(body).digest()[:16])}"',
            "Access-Control-Allow-Origin": "*",
        }
        return cls(body, headers)

    def answer(self, request: Request) -> Response:
        """The document, or 304 if the caller has it."""
        known = request.headers.get("if-none-match", "")
        if self.headers["ETag"] in (each.strip().removeprefix("W/") for each in known.split(",")):
            return Response(304, b"", self.headers)
        return Response(200, self.body, self.headers)
