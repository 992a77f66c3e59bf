// Shows new messages on the demo phone as they come; the page's own link does it without this.
"use strict";

(() => {
  async function look() {
    const phone = document.getElementById("phone");
    try {
      const answer = await fetch(location.href, { cache: "no-store", redirect: "error" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("phone");
      if (fresh && fresh.dataset.latest !== phone.dataset.latest) phone.replaceWith(fresh);
    } catch {
      // the portal is away: the next look may find it
    }
    setTimeout(look, 2000);
  }

  setTimeout(look, 2000);
})();
