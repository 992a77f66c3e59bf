"""The bridge's own page: Vietnamese first, English below; no script, one hashed style."""

import base64
import hashlib
import html
from collections.abc import Iterable

from idp.core.shown_text import visible

STYLE = (
    "body{font:1.125rem/1.5 'Be Vietnam Pro',system-ui,sans-serif;margin:0;background:#f6f3ee;"
    "color:#1c1a17}main{max-width:36rem;margin:2rem auto;padding:1.5rem;background:#fff;"
    "border-top:.4rem solid #8e1519}h1{font-size:1.6rem;line-height:1.3}"
    "button{font:inherit;font-weight:600;width:100%;min-height:3rem;margin:.4rem 0;border:0;"
    "border-radius:.3rem;background:#8e1519;color:#fff;cursor:pointer}"
    "button:focus-visible{outline:.2rem solid #1c1a17;outline-offset:.2rem}"
    "[lang=en]{color:#55504a;font-size:1rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self' http: https:; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def page(title: tuple[str, str], content: str) -> bytes:
    """A whole page; ``title`` in Vietnamese and English, ``content`` is HTML."""
    vi, en = title
    return (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{vi}</title><style>{STYLE}</style></head><body><main>"
        f'<h1>{vi}</h1><p lang="en">{en}</p>{content}</main></body></html>'
    ).encode()


def said(vi: str, en: str, **others: str) -> str:
    """One thing said in both languages, escaped; ``others`` wrote what stands in ``{name}``."""
    apart = {name: f"<bdi>{html.escape(visible(each))}</bdi>" for name, each in others.items()}
    first, second = html.escape(vi), html.escape(en)
    if apart:
        first, second = first.format_map(apart), second.format_map(apart)
    return f'<p>{first}</p><p lang="en">{second}</p>'


def question(
    *, secret: str, client_name: str, origin: str, level: str, cards: Iterable[str]
) -> str:
    """Who asks for the card, and a button for each card in a reader."""
    buttons = "".join(
        f'<button name="card" value="{html.escape(each)}">{html.escape(each)}</button>'
        for each in cards
    )
    return (
        said(
            "{client_name} đề nghị đọc thẻ căn cước của bạn (mức độ xác thực {level}).",
            "{client_name} asks for your identity card (authentication level {level}).",
            client_name=client_name,
            level=level,
        )
        + said(
            "Chỉ tiếp tục nếu chính bạn đang đăng nhập tại {origin}.",
            "Only go on if you yourself are logging in at {origin}.",
            origin=origin,
        )
        + '<form method="post" action="/read">'
        + f'<input type="hidden" name="secret" value="{secret}">{buttons}</form>'
    )
