"""Reading a request: once, strictly, and believing no header that nobody vouches for."""

import ipaddress
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.serving import message
from idp.web.forwarded import Trust
from idp.web.http import (
    FORM,
    HttpError,
    Params,
    RepeatedParameter,
    Request,
    cookie,
    from_environ,
    redirect,
)
from tests.certificates import der, self_signed

Environ = Callable[..., dict[str, Any]]
PROXIES = Trust((ipaddress.ip_network("10.0.0.0/8"),))


def test_parameters_are_read_once_and_empty_is_absent() -> None:
    params = Params([("a", "1"), ("b", ""), ("c", "1"), ("c", "2")])
    assert dict(Params([("a", "1"), ("b", "")])) == {"a": "1"}
    assert "b" not in params
    assert params.repeated() == ("c",)
    assert params.all("c") == ("1", "2")
    with pytest.raises(RepeatedParameter):
        params["c"]


def test_form_and_query_are_read_as_utf8(environ: Environ) -> None:
    more = {"CONTENT_TYPE": FORM + "; charset=UTF-8"}
    request = from_environ(environ("POST", "/x", "q=%E1%BB%85", b"n=Tr%E1%BA%A7n+M", **more))
    assert (request.query["q"], request.form["n"]) == ("ễ", "Trần M")
    assert request.secure


@pytest.mark.parametrize(
    ("query", "body", "more", "status"),
    [
        ("a=%ff", b"", {}, 400),
        ("a=%00", b"", {}, 400),
        ("a=1&" * 201, b"", {}, 400),
        ("a" * 40_000, b"", {}, 414),
        ("", b"a=\xc3\xa9", {"CONTENT_TYPE": FORM}, 400),
        ("", b"a" * 70_000, {"CONTENT_TYPE": FORM}, 413),
        ("", b"a=1", {"HTTP_CONTENT_ENCODING": "gzip"}, 415),
        ("", b"a=1", {"CONTENT_LENGTH": "x"}, 400),
        ("", b"a=1", {"CONTENT_LENGTH": "-1"}, 413),
        ("", b"a=1", {"CONTENT_LENGTH": "9"}, 400),
    ],
)
def test_what_cannot_be_read_is_refused(
    environ: Environ, query: str, body: bytes, more: dict[str, str], status: int
) -> None:
    with pytest.raises(HttpError) as refused:
        from_environ(environ("POST", "/x", query, body, **more))
    assert refused.value.status == status


@given(st.binary(max_size=200), st.text(max_size=100), st.text(max_size=100))
def test_nothing_but_an_http_error_escapes(body: bytes, query: str, cookies: str) -> None:
    made = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "QUERY_STRING": query,
        "CONTENT_TYPE": FORM,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_COOKIE": cookies,
        "wsgi.input": BytesIO(body),
    }
    try:
        request = from_environ(made)
    except HttpError:
        return
    assert request.body == body


@pytest.mark.attack("J13")
def test_J13_a_cookie_sent_twice_is_not_believed(environ: Environ) -> None:
    request = from_environ(environ(HTTP_COOKIE="session=a; lang=vi; session=b; x"))
    assert dict(request.cookies) == {"lang": "vi"}


@pytest.mark.parametrize("theirs", ["theirs=\xc4\x91\xff", "th\xe9irs=1", "a=\x7f", "a=\x01", "="])
def test_a_cookie_that_cannot_be_read_is_skipped_and_the_others_are_read(
    environ: Environ, theirs: str
) -> None:
    request = from_environ(environ(HTTP_COOKIE=f"eid_login=a; {theirs}; eid_session=b"))
    assert {name: request.cookies.get(name) for name in ("eid_login", "eid_session")} == {
        "eid_login": "a",
        "eid_session": "b",
    }
    assert theirs.partition("=")[0] not in {*request.cookies} - {""}


def test_headers_are_taken_up_to_64_kib_in_all(environ: Environ) -> None:
    from_environ(environ(HTTP_A="x" * 60_000))
    for more in ({"HTTP_A": "x" * 100_000}, {f"HTTP_A{n}": "x" * 1000 for n in range(70)}):
        with pytest.raises(HttpError) as refused:
            from_environ(environ(**more))
        assert refused.value.status == 431


def test_a_body_in_chunks_is_read_where_the_server_marks_its_end(environ: Environ) -> None:
    more = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_TYPE": FORM, "CONTENT_LENGTH": ""}
    made = environ("POST", "/x", body=b"a=1", **more)
    with pytest.raises(HttpError) as refused:
        from_environ(made)
    assert refused.value.status == 400
    assert from_environ({**made, "wsgi.input_terminated": True}).form["a"] == "1"
    made = environ("POST", "/x", body=b"a" * 70_000, **more)
    with pytest.raises(HttpError) as refused:
        from_environ({**made, "wsgi.input_terminated": True})
    assert refused.value.status == 413


@pytest.mark.attack("J12")
def test_J12_cookies_are_host_bound_and_closed_to_scripts() -> None:
    assert cookie("eid_login", "v") == "__Host-eid_login=v; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert cookie("eid_login", "v", secure=False) == "eid_login=v; Path=/; HttpOnly; SameSite=Lax"
    assert cookie("login", "", max_age=0).endswith("; Max-Age=0")


def test_forwarding_headers_are_believed_from_our_proxies_alone(environ: Environ) -> None:
    headers = {
        "REMOTE_ADDR": "10.0.0.1",
        "HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.7, 10.0.0.2",
        "HTTP_X_FORWARDED_PROTO": "http",
    }
    behind = from_environ(environ(**headers), PROXIES)
    assert (behind.peer, behind.secure) == ("198.51.100.7", False)
    stranger = from_environ(environ(**{**headers, "REMOTE_ADDR": "192.0.2.1"}), PROXIES)
    assert (stranger.peer, stranger.secure) == ("192.0.2.1", True)
    nonsense = from_environ(environ(**{**headers, "HTTP_X_FORWARDED_FOR": "x, 10.0.0.2"}), PROXIES)
    assert nonsense.peer == "10.0.0.2"


def test_a_body_that_is_no_json_object_is_a_bad_request() -> None:
    headers = {"content-type": "application/json"}
    with pytest.raises(HttpError) as refused:
        Request("POST", "/", headers=headers, body=b'{"a":1,"a":2}').json()
    assert refused.value.status == 400


def test_json_needs_its_content_type() -> None:
    with pytest.raises(HttpError) as refused:
        Request("POST", "/", body=b"{}").json()
    assert refused.value.status == 415
    headers = {"content-type": "application/json; charset=utf-8"}
    assert Request("POST", "/", headers=headers, body=b'{"a":1}').json() == {"a": 1}


def test_redirect_is_a_303_that_tells_no_referrer() -> None:
    answer = redirect("https://rp.example.vn/cb")
    assert (answer.status, answer.headers["Referrer-Policy"]) == (303, "no-referrer")


# Client certificates

CERTIFICATE = der(self_signed("portal")[0])
BYTE_SEQUENCE = f":{b64encode(CERTIFICATE).decode()}:"


def test_our_proxy_tells_of_the_clients_certificate(environ: Environ) -> None:
    more = {"REMOTE_ADDR": "10.0.0.1", "HTTP_CLIENT_CERT": BYTE_SEQUENCE}
    assert from_environ(environ(**more), PROXIES).certificate == CERTIFICATE
    assert from_environ(environ(REMOTE_ADDR="10.0.0.1"), PROXIES).certificate is None


@pytest.mark.attack("E18")
@pytest.mark.parametrize("peer", ["192.0.2.1", "10.0.0.1, 192.0.2.1", "11.0.0.1", ""])
def test_E18_nobody_else_does(environ: Environ, peer: str) -> None:
    more = {
        "REMOTE_ADDR": peer,
        "HTTP_CLIENT_CERT": BYTE_SEQUENCE,
        "HTTP_X_FORWARDED_FOR": "10.0.0.1",
    }
    assert from_environ(environ(**more), PROXIES).certificate is None


@pytest.mark.attack("E18")
@pytest.mark.parametrize(
    "name",
    [
        *("X-Client-Cert", "X-SSL-Client-Cert", "X-Forwarded-Tls-Client-Cert", "SSL-Client-Cert"),
        *(
            "X-Forwarded-Client-Cert",
            "Client-Cert-Chain",
            "X-SSL-Client-Verify",
            "X-ARR-ClientCert",
        ),
    ],
)
def test_E18_nor_by_another_header(environ: Environ, name: str) -> None:
    key = f"HTTP_{name.upper().replace('-', '_')}"
    more = {"REMOTE_ADDR": "10.0.0.1", key: BYTE_SEQUENCE, "SSL_CLIENT_CERT": BYTE_SEQUENCE}
    assert from_environ(environ(**more), PROXIES).certificate is None


@pytest.mark.attack("E18")
@pytest.mark.parametrize(
    "value",
    [
        *("", ":", "MIIB", "::x:", ":MII*:", ":MIIB", f"{BYTE_SEQUENCE},{BYTE_SEQUENCE}"),
        *(f"{BYTE_SEQUENCE}, {BYTE_SEQUENCE}", BYTE_SEQUENCE.replace(":", "")),
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_E18_what_is_no_byte_sequence_is_refused(environ: Environ, value: str) -> None:
    more = {"REMOTE_ADDR": "10.0.0.1", "HTTP_CLIENT_CERT": value}
    with pytest.raises(HttpError) as refused:
        from_environ(environ(**more), PROXIES)
    assert refused.value.status == 400


def test_the_clients_certificate_of_our_own_connection(environ: Environ) -> None:
    """Behind a proxy only its header counts, not who is at the other end of the connection."""
    more: dict[str, Any] = {message.CERTIFICATE: b"der"}
    direct = from_environ(environ(REMOTE_ADDR="192.0.2.1", **more), PROXIES)
    assert direct.certificate == b"der"
    assert from_environ(environ(REMOTE_ADDR="10.0.0.1", **more), PROXIES).certificate is None
    assert from_environ(environ(REMOTE_ADDR="192.0.2.1"), PROXIES).certificate is None
