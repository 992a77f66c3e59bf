"""The trust folders, as they change under a running provider."""

import pytest

from idp.authn.card.trust import InvalidTrust, TrustFolders
from idp.mrtd.testing.authority import Authority
from tests.conftest import NOW


def test_an_anchor_that_is_added_is_seen_within_a_second(tmp_path):
    at = [0.0]
    folders = TrustFolders(tmp_path, tmp_path / "none", monotonic=lambda: at[0])
    assert folders.store().anchors == ()
    (tmp_path / "csca.der").write_bytes(Authority.found(NOW).csca_der())
    assert folders.store().anchors == ()
    at[0] = 1.0
    assert len(folders.store().anchors) == 1


def test_a_broken_file_changes_nothing_while_we_run_and_stops_a_start(tmp_path):
    at = [0.0]
    (tmp_path / "csca.der").write_bytes(Authority.found(NOW).csca_der())
    folders = TrustFolders(tmp_path, monotonic=lambda: at[0])
    (tmp_path / "bad.crl").write_bytes(b"not a list")
    at[0] = 2.0
    assert len(folders.store().anchors) == 1
    with pytest.raises(InvalidTrust, match=r"bad\.crl"):
        TrustFolders(tmp_path)
