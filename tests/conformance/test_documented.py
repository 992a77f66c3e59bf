"""docs/conformance.md says what is tested, and all of it."""

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest

from tests.conformance import plans

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs/conformance.md"
PLANS: Mapping[str, tuple[str, int]] = {
    "oidcc-config-certification-test-plan": ("test_config", 1),
    "oidcc-basic-certification-test-plan": ("test_basic", 38),
    "oidcc-implicit-certification-test-plan": ("test_implicit", 31),
    "oidcc-hybrid-certification-test-plan": ("test_hybrid", 37),
    "oidcc-formpost-basic-certification-test-plan": ("test_formpost", 38),
    "oidcc-formpost-implicit-certification-test-plan": ("test_formpost", 31),
    "oidcc-formpost-hybrid-certification-test-plan": ("test_formpost", 37),
    "oidcc-dynamic-certification-test-plan": ("test_dynamic", 23),
    "oidcc-3rdparty-init-login-certification-test-plan": ("test_third_party_initiated_login", 2),
    "oidcc-rp-initiated-logout-certification-test-plan": ("test_rp_initiated_logout", 11),
    "fapi1-advanced-final-test-plan": ("test_fapi1_advanced", 63),
    "fapi2-security-profile-final-test-plan": ("test_fapi2_security", 56),
    "fapi2-message-signing-final-test-plan": ("test_fapi2_message_signing", 70),
    "fapi-ciba-id1-test-plan": ("test_fapi_ciba", 43),
    "oidcc-session-management-certification-test-plan": ("test_session_management", 2),
    "oidcc-frontchannel-rp-initiated-logout-certification-test-plan": (
        "test_frontchannel_logout",
        2,
    ),
    "oidcc-backchannel-rp-initiated-logout-certification-test-plan": ("test_backchannel_logout", 2),
}
"""The file that holds the tests of each plan, and how many modules the plan has."""
CERTIFICATES = "test_fapi2_security_mtls"
"""A plan's other variant: the same modules, told in the plan's section."""
SECTION = re.compile(r"^## (\S+-test-plan)$(.*?)(?=^## |\Z)", re.M | re.S)
ROW = re.compile(
    r"^\| ((?:oidcc|fapi)[\w-]+) \| `(test_\w+)` \| (?:passes|not applicable)[^|]* \|", re.M
)
MODULE = re.compile(r"test_(oidcc|fapi)")


def rows(plan: str) -> list[tuple[str, str]]:
    """Modules of a plan and their tests, as they are written down."""
    return ROW.findall(dict(SECTION.findall(DOCUMENT.read_text("utf-8")))[plan])


def modules_in(file: str) -> set[str]:
    """The modules' tests that a file has, of its own or shared by several plans."""
    return {name for name in dir(import_module(f"tests.conformance.{file}")) if MODULE.match(name)}


@pytest.mark.parametrize("plan", PLANS)
def test_every_module_of_a_plan_is_in_its_table_and_has_its_test(plan: str) -> None:
    file, modules = PLANS[plan]
    listed = rows(plan)
    assert len({module for module, _ in listed}) == len(listed) == modules
    assert all(test == f"test_{module.replace('-', '_')}" for module, test in listed)
    assert {test for _, test in listed} <= modules_in(file)


def test_the_variant_with_certificates_has_what_applies() -> None:
    variant = modules_in(CERTIFICATES)
    assert variant < {test for _, test in rows("fapi2-security-profile-final-test-plan")}
    assert len(variant) == 37
    assert not any("dpop" in each or "assertion" in each for each in variant)


@pytest.mark.parametrize(
    ("plan", "runs", "wanted"),
    [
        ("oidcc-implicit-certification-test-plan", plans.IMPLICIT, 58),
        ("oidcc-hybrid-certification-test-plan", plans.HYBRID, 102),
        ("oidcc-formpost-basic-certification-test-plan", plans.BASIC, 38),
        ("oidcc-formpost-implicit-certification-test-plan", plans.IMPLICIT, 58),
        ("oidcc-formpost-hybrid-certification-test-plan", plans.HYBRID, 102),
    ],
)
def test_every_run_of_a_plan_is_run(plan: str, runs: plans.Runs, wanted: int) -> None:
    assert {test for _, test in rows(plan)} == runs.keys()
    assert sum(map(len, runs.values())) == wanted


def test_every_plan_and_every_test_of_a_module_is_written_down() -> None:
    assert {plan for plan, _ in SECTION.findall(DOCUMENT.read_text("utf-8"))} == set(PLANS)
    listed = {(PLANS[plan][0], test) for plan in PLANS for _, test in rows(plan)}
    files = {each.stem for each in HERE.glob("test_*.py")} - {CERTIFICATES}
    assert {(file, test) for file in files for test in modules_in(file)} == listed
