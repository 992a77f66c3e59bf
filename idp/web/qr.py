"""QR codes as images that a page can hold (ISO/IEC 18004)."""

import segno


def qr_image(text: str) -> str:
    """A ``data:`` URI of an SVG image of ``text``: dark on white with its quiet zone."""
    uri: str = segno.make(text, error="m", micro=False).svg_data_uri(
        scale=8, border=4, dark="#000", light="#fff", omitsize=True
    )
    return uri
