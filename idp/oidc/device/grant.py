"""The device_code grant: RFC 8628 §3.4."""

from functools import partial

from idp.oidc.decoupled.grant import redeem as redeem_decoupled
from idp.oidc.vocabulary import DEVICE_CODE

KIND = "device"
redeem = partial(redeem_decoupled, grant_type=DEVICE_CODE, kind=KIND, member="device_code")
