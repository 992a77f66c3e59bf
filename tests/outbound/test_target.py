"""URLs are read in one way or not at all."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.outbound.errors import OutboundError
from idp.outbound.target import Target, parse_target


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://a.vn", ("https", "a.vn", False, 443, "/"), "a.vn"),
        ("https://a.vn:443/x?y=z", ("https", "a.vn", False, 443, "/x?y=z"), "a.vn"),
        ("https://A.VN:8443/X", ("https", "a.vn", False, 8443, "/X"), "a.vn:8443"),
        ("https://a.vn?q#digest", ("https", "a.vn", False, 443, "/?q"), "a.vn"),
        ("https://xn--vit-8qa.vn/%C3%A9", ("https", "xn--vit-8qa.vn", False, 443, "/%C3%A9"), None),
        ("http://localhost/", ("http", "localhost", False, 80, "/"), "localhost"),
        ("https://8.8.8.8/", ("https", "8.8.8.8", True, 443, "/"), "8.8.8.8"),
        ("https://[0:0::1]:1/", ("https", "::1", True, 1, "/"), "[::1]:1"),
        ("https://a.com1/", ("https", "a.com1", False, 443, "/"), "a.com1"),
    ],
)
def test_what_it_says(url: str, target: tuple[object, ...], authority: str | None) -> None:
    found = parse_target(url)
    assert found == Target(*target)  # type: ignore[arg-type]
    assert found.authority == (authority or found.host)


@pytest.mark.attack("N03")
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "ftp://a.vn/",
        "data:application/json,{}",
        "unix:///run/redis.sock",
        "http+unix://%2Frun%2Fredis.sock/",
        "jar:https://a.vn!/",
        "dict://a.vn/",
        "ws://a.vn/",
        "//a.vn/",
        "a.vn",
        "",
        "https:a.vn",
        "https:/a.vn",
        "https:///a.vn",
        "HTTPS://a.vn/",
        " https://a.vn/",
        "https://a.vn/\n",
    ],
)
def test_N03_no_scheme_but_http(url: str) -> None:
    with pytest.raises(OutboundError) as refused:
        parse_target(url)
    assert refused.value.reason == "url"


@pytest.mark.attack("N01")
@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "127.0.0.01",
        "1.2.3.4.5",
        "256.0.0.1",
        "a.vn.",
        "a..vn",
        ".vn",
        "-a.vn",
        "a-.vn",
        "a_b.vn",
        "user@127.0.0.1",
        "a.vn@127.0.0.1",
        "a.vn:443@127.0.0.1",
        "a.vn:pass@b.vn",
        "127.0.0.1\\@a.vn",
        "127.0.0.1%2f@a.vn",
        "127.0.0.1%00.a.vn",
        "127.0.0.1\t.a.vn",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "a\u00ad.vn",
        "::1",
        "[::1",
        "[::1%25eth0]",
        "[fe80::1%eth0]",
        "[127.0.0.1]",
        "[v1.x]",
        "[::1]x",
        "a.vn:0",
        "a.vn:65536",
        "a.vn:99999999",
        "a.vn:",
        "a.vn:8o",
        "a.vn:-1",
        "x" * 64 + ".vn",
        "x." * 127 + "vn",
        "",
    ],
)
def test_N01_hosts_that_readers_understand_differently(host: str) -> None:
    for scheme in ("https", "http"):
        with pytest.raises(OutboundError) as refused:
            parse_target(f"{scheme}://{host}/")
        assert refused.value.reason == "url"


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: y", "/\x00", "/é", '/"', "/<", "/{}", "/a\\b"])
def test_nothing_in_a_path_that_could_end_the_line(path: str) -> None:
    with pytest.raises(OutboundError):
        parse_target(f"https://a.vn{path}")


def test_a_long_url_is_refused_at_once() -> None:
    with pytest.raises(OutboundError):
        parse_target("https://a.vn/" + "x" * 100_000)


@given(st.text(alphabet="https:/@[]%.#?\\ 01xa:\t", max_size=24))
def test_what_is_accepted_others_read_alike(rest: str) -> None:
    try:
        found = parse_target(f"https://{rest}")
    except OutboundError:
        return
    theirs = urlsplit(f"https://{rest}")
    assert theirs.username is None
    assert theirs.port in (None, found.port)
    if not found.numeric:
        assert theirs.hostname == found.host
