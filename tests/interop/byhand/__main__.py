"""Let a relying party log a citizen in, whose packages are not among ours: see README.md."""

import argparse
import json
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conformance.live import provider
from tests.conformance.suite import Browser
from tests.interop.relying_party import check_claims, run

parser = argparse.ArgumentParser(prog="python -m tests.interop.byhand", description=__doc__)
parser.add_argument("--metadata", type=json.loads, default={}, help="of the client, as JSON")
parser.add_argument("command", nargs="+", help="the relying party's program, and its interpreter")
asked = parser.parse_args()
with TemporaryDirectory() as folder, provider(Path(folder), tls=True) as op, op.http() as http:
    register = partial(
        op.register,
        client_name="By hand",
        redirect_uris=["https://rp.example/callback"],
        scope="openid profile pid age",
    )
    browser = Browser(op.issuer, http)
    result = run(asked.command, op, browser, register, metadata=asked.metadata)
    check_claims(result, op)
print(f"passed: {' '.join(asked.command)}")
