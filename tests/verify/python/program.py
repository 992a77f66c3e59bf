"""Answers the table's questions (tests/verify/test_verify.py) with docs/verify/python."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "docs/verify/python"))

from eid_verify import Keys, Provider, Refused, verify_id_token, verify_logout_token

given = json.loads(sys.stdin.readline())
keys = Keys(given["jwks_uri"], refetch_after=given["refetch_after"])
provider = Provider(given["issuer"], given["client_id"], keys, given["alg"])
used: set[str] = set()


def first_use(jti: str, seconds: int) -> bool:
    """A store for one process, while it lasts."""
    new = jti not in used
    used.add(jti)
    return new and seconds > 0


for line in sys.stdin:
    asked = json.loads(line)
    try:
        if "logout_token" in asked:
            claims = verify_logout_token(provider, asked["logout_token"], first_use)
        else:
            claims = verify_id_token(provider, asked["id_token"], **asked["expected"])
        answer = {"claims": claims}
    except Refused as refused:
        answer = {"refused": refused.reason}
    print(json.dumps(answer), flush=True)
