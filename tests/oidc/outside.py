"""The client for relying parties' addresses that the in-process providers of the tests have."""

from functools import cache

from idp.outbound.client import OutboundClient, OutboundSettings


@cache
def outbound(timeout: float = 2.0) -> OutboundClient:
    """Calls this machine too; made once, since reading the machine's authorities takes a while."""
    return OutboundClient(OutboundSettings(allow_loopback=True, timeout=timeout, floor=0.0))
