"""The sandbox for portals: test citizens, recorded exchanges, forced results.

Everything here exists with ``IDP_SANDBOX`` only.
"""
