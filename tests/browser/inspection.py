"""What every page must have: no accessibility violation, nothing cut off, squeezed or too small."""

from pathlib import Path

from playwright.sync_api import Error, Page

from tests.browser.chromium import ROOT

SCREENSHOTS = Path(__file__).with_name("screenshots")
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = {"phone": (320, 640), "desktop": (1280, 900)}

RUN_AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.map(
    each => [each.id, each.impact, each.nodes.map(node => node.target.join(" "))]
  );
}"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """() => [
    ...document.querySelectorAll("button, .button, input:not([type=hidden]), nav a")
  ]
  .filter(each => each.getClientRects().length)
  .map(each => [each.textContent.trim() || each.name, each.getBoundingClientRect()])
  .filter(([, box]) => box.height < 44 || box.width < 44)
  .map(([name]) => name)"""
SQUEEZED = """() => [...document.querySelectorAll("p, li, dd, label")]
  .filter(each => each.getClientRects().length)
  .map(each => [each.textContent.trim(), each.getBoundingClientRect()])
  .filter(([, box]) => box.height > 1.5 * box.width)
  .map(([text]) => text)"""


def shot(page: Page, name: str) -> None:
    """Keep a picture of the whole page, for people to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    try:
        page.screenshot(path=path, full_page=True)
    except Error:  # a busy Chromium may have no frame to give just then; it has one the next time
        page.screenshot(path=path, full_page=True)


def inspect(page: Page, name: str) -> None:
    """Check the page on a phone and on a desktop, and keep a picture of each."""
    page.evaluate("document.fonts.ready.then(() => true)")
    page.evaluate(AXE.read_text())
    for width, (across, down) in WIDTHS.items():
        page.set_viewport_size({"width": across, "height": down})
        shot(page, f"{name}-{width}")
        assert page.evaluate(RUN_AXE) == []
        assert page.evaluate(TOO_WIDE) <= 0
        assert page.evaluate(SMALL_TARGETS) == []
        assert page.evaluate(SQUEEZED) == []
