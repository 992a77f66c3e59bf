"""Claim values in words."""

from typing import Any

import pytest

from idp.oidc.consent.show import text
from idp.oidc.vocabulary import PERSONAL_CLAIMS
from idp.web.i18n import LOCALES, Translator


@pytest.mark.parametrize(
    ("claim", "value", "shown"),
    [
        ("name", "Nguyễn Thị Minh Khai", "Nguyễn Thị Minh Khai"),
        ("name", None, ""),
        ("gender", "female", "Nữ"),
        ("birthdate", "1999-03-08", "08/03/1999"),
        ("birthdate", "1999", "1999"),
        ("nationality", "VNM", "Việt Nam"),
        ("nationality", "LAO", "LAO"),
        ("updated_at", 1_800_000_000, "15/01/2027"),
        ("phone_number", "+84912345678", "091 234 5678"),
        ("age_over_18", True, "Có"),
        ("age_over_60", False, "Không"),
        ("former_ids", ["000000005", "000000006"], "000000005, 000000006"),
        (
            "address",
            {"formatted": "1 Hoàng Diệu, Ba Đình, Hà Nội"},
            "1 Hoàng Diệu, Ba Đình, Hà Nội",
        ),
    ],
)
def test_a_value_in_vietnamese(claim: str, value: Any, shown: str) -> None:
    assert text(claim, value, Translator("vi")) == shown


@pytest.mark.parametrize("claim", sorted(PERSONAL_CLAIMS))
def test_every_claim_has_a_name_in_both_languages(claim: str) -> None:
    assert all(Translator(each)(f"claim.{claim}") for each in LOCALES)
