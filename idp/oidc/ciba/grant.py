"""The CIBA grant: CIBA Core §10.1, for poll and ping."""

from functools import partial

from idp.oidc.decoupled.grant import redeem as redeem_decoupled
from idp.oidc.vocabulary import CIBA

KIND = "ciba"
redeem = partial(redeem_decoupled, grant_type=CIBA, kind=KIND, member="auth_req_id")
