"""Tests that share a program go to one worker; all others to whichever is free."""

import pytest

from tests.sharing import CONFORMANCE, group

HERE = "tests/conformance/test_basic.py::test_oidcc_server"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tests/attacks/test_edge.py::test_a[1]", "tests/attacks/test_leaks.py::test_b"),
        (HERE, "tests/conformance/test_dynamic.py::test_c"),
        (
            "tests/conformance/test_implicit.py::test_a[id_token]",
            "tests/conformance/test_hybrid.py::test_a[code token]",
        ),
        ("tests/interop/test_authlib.py::test_a[https]", "tests/interop/test_apache.py::test_b"),
        ("tests/e2e/test_up.py::test_a", "tests/e2e/test_up.py::test_b"),
    ],
)
def test_these_share(one: str, other: str) -> None:
    assert group(one) == group(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tests/core/test_person.py::test_a", "tests/core/test_person.py::test_b"),
        (
            "tests/interop/test_authlib.py::test_a[https]",
            "tests/interop/test_authlib.py::test_a[http]",
        ),
        ("tests/e2e/test_up.py::test_a", "tests/e2e/test_serve.py::test_a"),
        *((HERE, f"tests/conformance/{file}.py::test_oidcc_server") for file in CONFORMANCE),
    ],
)
def test_these_do_not(one: str, other: str) -> None:
    assert group(one) != group(other)
