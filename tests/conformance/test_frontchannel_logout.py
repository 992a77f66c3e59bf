"""oidcc-frontchannel-rp-initiated-logout-certification-test-plan: tests named like its modules."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt

from tests.conformance.leaving import came, log_out, party, sent_back, served, target
from tests.conformance.live import Provider
from tests.conformance.suite import Browser, Page


class Frames(HTMLParser):
    """The frames of a page, and where it leads by itself."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.seconds, self.onward = -1, ""
        self.feed(page.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "iframe":
            self.sources.append(said["src"])
        if tag == "meta" and said.get("http-equiv") == "refresh":
            seconds, _, self.onward = said["content"].partition("; url=")
            self.seconds = int(seconds)


def test_oidcc_frontchannel_logout_discovery_endpoint_verification(
    metadata: dict[str, Any],
) -> None:
    assert metadata["frontchannel_logout_supported"] is True
    assert metadata["frontchannel_logout_session_supported"] is True
    assert metadata["end_session_endpoint"].startswith("https://")


def test_oidcc_frontchannel_rp_initiated_logout(
    op: Provider, browser: Browser, metadata: dict[str, Any], jwks: jwt.PyJWKSet
) -> None:
    """The browser loads the frames and then goes where the page says, both without a script."""
    with served(op) as server:
        rp = party(
            op,
            server,
            browser,
            metadata,
            jwks,
            frontchannel_logout_uri=server.url("/frontchannel_logout"),
            frontchannel_logout_session_required=True,
        )
        tokens = rp.exchange(rp.authorize())
        page = log_out(rp, tokens)
        assert isinstance(page, Page)
        frames = Frames(page)
        (source,) = frames.sources
        assert source.startswith(server.url("/frontchannel_logout?"))
        assert rp.http.get(source).status_code == 200
        members = dict(parse_qsl(urlsplit(target(came(server, "/frontchannel_logout"))).query))
        assert members == {"iss": metadata["issuer"], "sid": tokens.id_token["sid"]}
        assert 0 < frames.seconds <= 2  # HtmlUnit follows none that is later
        assert page.links["return"] == frames.onward
        assert rp.http.get(frames.onward).status_code == 200
        came(server, "/post_logout_redirect")
        sent_back(rp, frames.onward)
