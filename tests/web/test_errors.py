"""Failures become answers: a page or a problem, a reference, and no detail."""

import json

import pytest
import structlog

from idp.core.errors import Unavailable
from idp.web.csrf import CsrfFailed
from idp.web.errors import Failure, Failures
from idp.web.http import HttpError, RepeatedParameter, Request, Response, json_response
from idp.web.templates import Pages
from tests.web.test_templates import Tags

SECRET = "000199000001 0912345678 Trần Thị Mậu"
CASES = [
    (HttpError(413, SECRET), 413, "invalid_request"),
    (HttpError(404, SECRET), 404, "not_found"),
    (HttpError(405, SECRET, allow="GET"), 405, "method_not_allowed"),
    (RepeatedParameter(SECRET), 400, "invalid_request"),
    (CsrfFailed(SECRET), 403, "form_expired"),
    (Unavailable("redis", retry_after=7), 503, "temporarily_unavailable"),
    (ValueError(SECRET), 500, "server_error"),
    (RecursionError(SECRET), 500, "server_error"),
]


def failing(failures: Failures, error: Exception, *, html: bool, path: str = "/x") -> Response:
    def work() -> Response:
        raise error

    return failures.attempt(lambda: Request("GET", path), work, html=html)


@pytest.fixture
def told(pages: Pages, failures: list[Failure]) -> Failures:
    return Failures(pages, failures.append)


@pytest.mark.attack("Q10")
@pytest.mark.parametrize(("error", "status", "code"), CASES)
def test_Q10_page_tells_code_and_reference_and_nothing_else(
    told: Failures, failures: list[Failure], error: Exception, status: int, code: str
) -> None:
    answer = failing(told, error, html=True)
    assert answer.status == status
    page = answer.body.decode()
    recorded = failures[-1]
    assert (recorded.code, recorded.status) == (code, status)
    assert f'id="error-code">{code}<' in page
    assert f'id="reference">{recorded.reference}<' in page
    assert not any(word in page for word in (*SECRET.split(), "Error(", "Traceback", "idp/"))
    assert len(Tags(page).all("h1")) == 1


@pytest.mark.parametrize(("error", "status", "code"), CASES)
def test_problem_tells_the_same(
    told: Failures, failures: list[Failure], error: Exception, status: int, code: str
) -> None:
    answer = failing(told, error, html=False)
    assert answer.status == status
    assert json.loads(answer.body) == {
        "type": "about:blank",
        "status": status,
        "error": code,
        "reference": failures[-1].reference,
    }


def test_what_may_be_tried_again_says_when_and_how(told: Failures) -> None:
    assert (
        failing(told, Unavailable("redis", retry_after=7), html=True).headers["Retry-After"] == "7"
    )
    assert failing(told, HttpError(405, "", allow="GET"), html=False).headers["Allow"] == "GET"


def test_references_are_never_the_same(told: Failures, failures: list[Failure]) -> None:
    for _ in range(50):
        failing(told, ValueError(), html=False)
    assert len({each.reference for each in failures}) == 50


@pytest.mark.attack("P13")
def test_P13_log_of_an_unexpected_failure_holds_no_text_of_anybody(
    told: Failures, failures: list[Failure]
) -> None:
    with structlog.testing.capture_logs() as lines:
        failing(told, ValueError(SECRET), html=True, path="/lo\r\ngin/secret-ticket")
        failing(told, ValueError(SECRET), html=True, path="/login/secret-ticket")
    assert [each["endpoint"] for each in lines] == ["?", "login"]
    assert [each["reference"] for each in lines] == [each.reference for each in failures]
    text = json.dumps(lines, ensure_ascii=False)
    assert not any(word in text for word in (*SECRET.split(), "secret-ticket"))
    assert "builtins.ValueError" in text
    assert "test_errors.py" in text


def test_endpoint_may_tell_its_own_failures(told: Failures) -> None:
    def translate(request: Request, error: Exception) -> Response | None:
        return json_response({"error": "mine"}, 400) if isinstance(error, KeyError) else None

    def fail(error: Exception) -> Response:
        def work() -> Response:
            raise error

        return told.attempt(lambda: Request("GET", "/x"), work, html=False, translate=translate)

    assert json.loads(fail(KeyError("x")).body) == {"error": "mine"}
    assert fail(ValueError()).status == 500


def test_page_is_owed_even_when_the_audit_log_is_away(pages: Pages) -> None:
    def away(failure: Failure) -> None:
        raise Unavailable("audit")

    answer = failing(Failures(pages, away), Unavailable("database"), html=True)
    assert answer.status == 503


def test_failure_of_the_error_page_itself_is_still_an_answer(pages: Pages) -> None:
    def broken(failure: Failure) -> None:
        raise ValueError(SECRET)

    answer = failing(Failures(pages, broken), KeyError(SECRET), html=True)
    assert (answer.status, json.loads(answer.body)) == (500, {"error": "server_error"})
