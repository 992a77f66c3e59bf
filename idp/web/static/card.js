// Follows the state of a card being read and moves on by itself; the page also works without this.
"use strict";

(() => {
  const status = document.getElementById("card-state");
  const pause = 1500;
  const patience = 20; // failed polls in a row before giving up: the links on the page remain

  let misses = 0;

  function show(state) {
    if (status.dataset.state === state) return;
    status.dataset.state = state;
    for (const each of status.querySelectorAll("[data-for]")) {
      each.hidden = each.dataset.for !== state;
    }
  }

  async function poll() {
    try {
      const answer = await fetch(status.dataset.url, { cache: "no-store", redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const { state } = await answer.json();
      misses = 0;
      show(state);
      if (state === "done") return location.assign(status.dataset.next);
      if (state === "failed" || state === "expired") return;
    } catch {
      misses += 1;
      if (misses >= patience) return;
    }
    setTimeout(poll, document.hidden ? 4 * pause : pause);
  }

  setTimeout(poll, pause);
})();
