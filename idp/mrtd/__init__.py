"""ICAO 9303: what a chip card says, whether its State signed it, whether the chip is the one.

No I/O: bytes in, verified values out. Bad data of any kind raises ``errors.MRTDError`` and nothing
else; a value that comes out has been verified as far as its function's name says.
"""
