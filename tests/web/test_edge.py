"""Flask and the front answer alike, whatever is asked."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.core.errors import Unavailable
from idp.web.adapter import create_app, mount
from idp.web.assets import PATH, static_file
from idp.web.csrf import CsrfFailed
from idp.web.edge import Edge, Route
from idp.web.errors import Failures
from idp.web.forwarded import Trust
from idp.web.front import Front
from idp.web.http import FORM, Request, Response, json_response, redirect
from idp.web.security import protect
from idp.web.settings import Site
from idp.web.templates import Pages

Environ = Callable[..., dict[str, Any]]
Answer = tuple[str, list[tuple[str, str]], bytes]


def echo(request: Request) -> Response:
    """What the endpoint saw."""
    return json_response(
        [request.method, request.query.pairs(), request.form.pairs(), request.peer]
    )


def variable(request: Request, **parts: str) -> Response:
    """What of the path varies."""
    return json_response(parts)


def moody(request: Request) -> Response:
    match request.query.get("mood"):
        case "redirect":
            return redirect("https://rp.example.vn/cb?x=1", cookies=("a=1; Path=/", "b=2; Path=/"))
        case "csrf":
            raise CsrfFailed("no")
        case "down":
            raise Unavailable("redis")
        case "empty":
            return Response(204)
        case "bug":
            raise ValueError("bug")
    return Response(200, b"<p>", {"Content-Type": "text/html; charset=utf-8"})


ROUTES = {
    "/token": Route(echo, ("POST",)),
    "/userinfo": Route(echo, ("GET", "POST", "OPTIONS")),
    "/jwks": Route(echo),
    "/page": Route(moody, ("GET", "POST"), html=True),
    "/login/<t>": Route(variable, html=True),
    "/login/<t>/otp": Route(variable, ("GET", "POST"), html=True),
    "/static/<digest>/<path:name>": Route(variable),
}


def fronted(edge: Edge) -> Front:
    """The routes on the front, with nothing behind it."""
    return Front(edge, ROUTES, create_app(edge).wsgi_app)


def mounted(edge: Edge) -> Any:
    """The same routes on Flask alone."""
    app = create_app(edge)
    for path, route in ROUTES.items():
        mount(app, path, route, edge)
    return app.wsgi_app


def call(app: Any, environ: dict[str, Any]) -> Answer:
    """Status, headers sorted, body."""
    seen: list[Any] = []
    answer = app(environ, lambda status, headers, *_: seen.extend((status, sorted(headers))))
    body = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    return seen[0], seen[1], body


def without_reference(answer: Answer) -> Answer:
    """The same answer with the random reference of a failure made equal."""
    status, headers, body = answer
    if b'"reference":"' in body:
        value = json.loads(body)
        return status, headers, json.dumps({**value, "reference": ""}).encode()
    head, mark, tail = body.partition(b'id="reference">')
    return status, headers, head + mark + tail[12:] if mark else body


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "FOO")
ODD = ("/", "//token", "/token/", "/./token", "/TOKEN", "/token;.js", "/userinfo/x.css")
VARIABLE = (
    *("/login/a", "/login/a/otp", "/login//otp", "/login/", "/login/a/x", "/login/\xc4\x91"),
    *("/login/\xff/otp", "/static/d/a/b.css", "/static/d/", "/static//a", "/static/d/a/"),
)
paths = st.sampled_from([*ROUTES, *ODD, *VARIABLE])
moods = [f"mood={each}" for each in ("redirect", "csrf", "down", "empty", "bug", "1&mood=2")]
queries = st.sampled_from(
    ["", "a=1", "a=1&a=2", "a=%zz", "%ff", "a=%00", "lang=en", "q=" + "x" * 40_000, *moods]
)
bodies = st.sampled_from([b"", b"a=1", b"a=1&a=2", b"\xff", b"a=%00", b"a" * 70_000, b"{}"])


@pytest.fixture(scope="module")
def both() -> tuple[Any, Any]:
    edge = Edge(Failures(Pages(Site("https://id.example.vn")), lambda _: None), Trust())
    return mounted(edge), fronted(edge)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(METHODS),
    path=paths,
    query=queries,
    body=bodies,
    content_type=st.sampled_from([FORM, "application/json", "", FORM + "; charset=utf-8"]),
    accept=st.sampled_from(["", "*/*", "text/html,*/*"]),
)
def test_O09_both_ways_answer_alike(
    both: tuple[Any, Any],
    environ: Environ,
    method: str,
    path: str,
    query: str,
    body: bytes,
    content_type: str,
    accept: str,
) -> None:
    def asked() -> dict[str, Any]:
        more = {"CONTENT_TYPE": content_type, "HTTP_ACCEPT": accept}
        return environ(method, path, query, body, **more)

    flask, fast = (without_reference(call(app, asked())) for app in both)
    assert fast == flask
    assert int(fast[0][:3]) != 500 or "mood=bug" in query


@pytest.mark.attack("O09")
@pytest.mark.parametrize("path", ["//token", "/token/", "/./token", "/TOKEN", "/token;.js", ""])
def test_O09_other_spellings_of_a_path_are_no_path(edge: Edge, environ: Environ, path: str) -> None:
    for app in (mounted(edge), fronted(edge)):
        assert call(app, environ("POST", path))[0] == "404 Not Found"


@pytest.mark.attack("O04")
@pytest.mark.parametrize("path", ["/userinfo", "/userinfo/x.css", "/userinfo;.js", "/userinfo\n"])
def test_O04_no_spelling_of_a_private_path_may_be_kept(
    edge: Edge, environ: Environ, path: str
) -> None:
    for app in (mounted(edge), fronted(edge)):
        headers = dict(call(app, environ("GET", path))[1])
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_methods_are_answered_by_the_endpoint(edge: Edge, environ: Environ) -> None:
    for app in (mounted(edge), fronted(edge)):
        status, headers, body = call(app, environ("GET", "/token"))
        assert (status, dict(headers)["Allow"]) == ("405 Method Not Allowed", "OPTIONS, POST")
        assert json.loads(body)["error"] == "method_not_allowed"
        status, headers, body = call(app, environ("OPTIONS", "/jwks"))
        assert (status, dict(headers)["Allow"]) == ("204 No Content", "GET, HEAD, OPTIONS")
        assert body == b""
        assert call(app, environ("OPTIONS", "/userinfo"))[0] == "200 OK"
        get, head = (call(app, environ(each, "/page")) for each in ("GET", "HEAD"))
        assert head == (get[0], get[1], b"")
        assert dict(get[1])["Content-Length"] == "3"


def test_cookies_and_redirects_leave_as_they_are(edge: Edge, environ: Environ) -> None:
    for app in (mounted(edge), fronted(edge)):
        status, headers, body = call(app, environ("GET", "/page", "mood=redirect"))
        assert status == "303 See Other"
        assert ("Location", "https://rp.example.vn/cb?x=1") in headers
        assert [value for name, value in headers if name == "Set-Cookie"] == [
            "a=1; Path=/",
            "b=2; Path=/",
        ]
        assert body == b""


def test_failure_without_endpoint_is_a_page_for_people(edge: Edge, environ: Environ) -> None:
    app = create_app(edge).wsgi_app
    status, headers, body = call(app, environ("GET", "/nowhere", HTTP_ACCEPT="text/html"))
    assert status == "404 Not Found"
    assert dict(headers)["Content-Type"] == "text/html; charset=utf-8"
    assert b'id="error-code">not_found<' in body
    assert json.loads(call(app, environ("GET", "/nowhere"))[2])["error"] == "not_found"


@pytest.mark.attack("J15")
def test_J15_error_pages_have_the_headers_of_pages(edge: Edge, environ: Environ) -> None:
    usual = protect(Response(200, b"", {"Content-Type": "text/html"}), secure=True).headers
    for query in ("mood=csrf", "mood=down", "mood=bug", "a=%zz"):
        for app in (mounted(edge), fronted(edge)):
            sent = dict(call(app, environ("GET", "/page", query))[1])
            assert {name: sent[name] for name in usual if name != "Content-Type"} == {
                name: usual[name] for name in usual if name != "Content-Type"
            }


@pytest.mark.attack("Q10")
def test_Q10_no_header_names_a_product_or_version(edge: Edge, environ: Environ) -> None:
    for app in (mounted(edge), fronted(edge)):
        names = {name.lower() for name, _ in call(app, environ("GET", "/page"))[1]}
        assert not names & {"server", "x-powered-by", "via", "x-runtime"}


def test_variable_parts_of_a_path_go_by_name(edge: Edge, environ: Environ) -> None:
    def step(request: Request, t: str) -> Response:
        return json_response({"t": t})

    app = create_app(edge)
    mount(app, "/login/<t>/otp", Route(step), edge)
    mount(app, PATH, Route(static_file), edge)
    assert json.loads(call(app.wsgi_app, environ("GET", "/login/abc/otp"))[2]) == {"t": "abc"}
    assert call(app.wsgi_app, environ("GET", "/static/x/../../etc/passwd"))[0][:3] == "404"


def test_a_prefix_in_front_is_not_the_fast_paths_affair(edge: Edge, environ: Environ) -> None:
    answer = call(fronted(edge), environ("POST", "/token", SCRIPT_NAME="/elsewhere"))
    assert answer[0] == "404 Not Found"
