"""URIs that a client may register: RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1.

The authorization endpoint compares a request's ``redirect_uri`` with the registered ones.
"""

import re
from urllib.parse import SplitResult, unquote, urlsplit

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
MAX_URI = 2_000
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+", re.ASCII)
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9\-.]*[a-z0-9])?|[0-9a-f:.]+", re.ASCII)
_REVERSE_DNS = re.compile(r"[a-z][a-z0-9+\-]*(?:\.[a-z0-9+\-]+)+", re.ASCII)
_CHARACTER = r"(?:[A-Za-z0-9\-._~:/@!$&'()+,;=]|%[0-9A-Fa-f]{2})"
_NO_DOT_SEGMENT = r"(?![^?]*(?:/|%2[Ff]|%5[Cc])(?:\.|%2[Ee]){1,2}(?:[;/?]|%3[Bb]|%2[Ff]|%5[Cc]|$))"
_PORT = (
    r"(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}"
    r"|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
)
_QUERY = rf"(?:\?(?:{_CHARACTER}|\?)*)?"
WEB_PATTERN = (
    rf"^{_NO_DOT_SEGMENT}(?:https://[a-z0-9](?:(?:[a-z0-9\-]|\.(?!\.))*[a-z0-9])?"
    rf"|http://(?:localhost|127\.0\.0\.1|\[::1\])){_PORT}(?:/{_CHARACTER}*)?{_QUERY}$"
)
"""A regular expression (ECMA-262) for :func:`check_page_uri`, without IPv6 hosts."""
APP_PATTERN = (
    rf"^{_NO_DOT_SEGMENT}[a-z][a-z0-9+\-]*(?:\.[a-z0-9+\-]+)+:/(?!/){_CHARACTER}*{_QUERY}$"
)
"""A regular expression for private-use schemes (RFC 8252 §7.1)."""


def check_redirect_uri(uri: str, *, native: bool) -> str:
    """A redirect URI: https, http on a loopback host, or a native app's private-use scheme.

    Raises:
        ValueError: with the reason.
    """
    parts = _split(uri)
    if native and not parts.netloc and _REVERSE_DNS.fullmatch(parts.scheme):
        return uri
    return _check_web(uri, parts)


def check_page_uri(uri: str) -> str:
    """A page or image of the relying party: https, or http on a loopback host.

    Raises:
        ValueError: with the reason.
    """
    return _check_web(uri, _split(uri))


def loopback(uri: str) -> bool:
    """Whether a checked URI has a loopback host."""
    return urlsplit(uri).hostname in LOOPBACK_HOSTS


def origin(uri: str) -> str:
    """``scheme://host[:port]`` of a checked web URI, as browsers write it (RFC 6454 §6.2).

    ``""`` for a private-use scheme.
    """
    parts = urlsplit(uri)
    host = parts.netloc.removesuffix(_DEFAULT_PORTS.get(parts.scheme, ""))
    return f"{parts.scheme}://{host}" if host else ""


def host(uri: str) -> str:
    """The host of a checked URI, ``""`` for a private-use scheme."""
    return urlsplit(uri).hostname or ""


def _split(uri: str) -> SplitResult:
    # No '*': not a wildcard. No '#': RFC 6749 §3.1.2. No '\' and no control characters.
    if len(uri) > MAX_URI:
        raise ValueError(f"is longer than {MAX_URI} characters")
    if not _PLAIN.fullmatch(uri) or _PERCENT.search(uri):
        raise ValueError(_character(uri))
    parts = urlsplit(uri)
    if not uri.startswith(f"{parts.scheme}:"):
        raise ValueError("has a scheme that is not in lower case")
    segments = unquote(parts.path).replace("\\", "/").split("/")
    if any(segment.partition(";")[0] in {".", ".."} for segment in segments):
        raise ValueError("has a dot segment in its path")
    return parts


def _character(uri: str) -> str:
    """The problem with a URI that has a forbidden character."""
    if not uri:
        return "is empty"
    if "#" in uri:
        return "has a fragment: remove it from the # on"
    if "*" in uri:
        return "has a wildcard: register each URI in full"
    if not uri.isascii():
        return "has a character outside ASCII: percent-encode it, and write the host in Punycode"
    return "has a space, a sign or a % that is not percent-encoded"


def _check_web(uri: str, parts: SplitResult) -> str:
    if parts.scheme not in {"https", "http"}:
        raise ValueError("must be https (or http on a loopback host, or a native app's own scheme)")
    host = parts.hostname or ""
    if "@" in parts.netloc or not _HOST.fullmatch(host) or ".." in host:
        raise ValueError("has no plain host name")
    if parts.netloc not in {_bracketed(host), f"{_bracketed(host)}:{parts.port}"}:
        raise ValueError("has a host or port that is not in its normal form")
    if parts.scheme == "http" and host not in LOOPBACK_HOSTS:
        raise ValueError("must be https unless its host is a loopback one")
    return uri


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
