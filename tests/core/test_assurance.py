"""Levels are computed from factors: Decree 69/2024 Art. 20, every combination."""

import pytest

from idp.core.assurance import Factor, acr, acr_level, amr, level

K, P, B = Factor.KNOWLEDGE, Factor.POSSESSION, Factor.BIOMETRIC


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ([], 0), ([K], 1), ([P], 1), ([B], 1), ([P, P], 1),
        ([K, P], 2), ([K, B], 3), ([P, B], 3), ([K, P, B], 4),
    ],
)  # fmt: skip
def test_a_level_is_the_kinds_of_factor_proved(factors, expected):
    assert level(factors) == expected


@pytest.mark.parametrize(
    "value", ["urn:vn:eid:level:0", "urn:vn:eid:level:5", "urn:vn:eid:level:１", "2", ""]
)
def test_other_acr_values_are_not_ours(value):
    assert acr_level(value) is None


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_acr_values_and_levels_match(number):
    assert acr_level(acr(number)) == number


def test_two_kinds_of_factor_are_multi_factor():
    assert amr(["otp", "sms", "pin"], [P, K]) == ("mfa", "otp", "pin", "sms")
    assert amr(["otp", "sc"], [P, P]) == ("otp", "sc")
