"""Which tests go to one worker, so that the program they share is started once.

By path, not by ``xdist_group``: pytest-xdist 3.8 does not see that mark under pytest 9.2.
"""

from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling

CONFORMANCE = {
    "test_formpost": "conformance-form",
    "test_implicit": "conformance-fragment",
    "test_hybrid": "conformance-fragment",
    "test_fapi1_advanced": "conformance-certificates",
    "test_fapi2_security_mtls": "conformance-certificates",
    "test_fapi_ciba": "conformance-ciba",
}
"""Files of plans that have a provider apart from the others', or for themselves."""


class Sharing(LoadScopeScheduling):
    """Gives a worker all that shares something at once, the largest first."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """Tests of one group run on one worker; most tests are a group of their own."""
    file, _, test = nodeid.partition("::")
    path = PurePath(file)
    match path.parent.name:
        case "attacks":
            return "attacks"
        case "conformance":
            return CONFORMANCE.get(path.stem, "conformance")
        case "interop":
            return "interop-http" if "[http]" in test else "interop-https"
        case "e2e" | "cli":
            return file
    return nodeid
