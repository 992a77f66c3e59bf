"""A development card authority and software cards: for the demo, the simulated reader and tests.

They make what a State and a chip make, byte for byte what a third party's verifier accepts; only
the trust in the authority is missing, and that is given by a trust folder.
"""
