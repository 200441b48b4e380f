// The page works without this: it adds the key `/` for the search, `j` and `k` for rows, and a refresh while nobody reads.
"use strict";
(() => {
  const typing = (element) => /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
  const links = () => [...document.querySelectorAll("tbody th[scope=row] a, .plain a")];
  addEventListener("keydown", (event) => {
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) { event.preventDefault(); search.focus(); }
    } else if (event.key === "j" || event.key === "k") {
      const all = links(), at = all.indexOf(document.activeElement);
      const next = all[event.key === "j" ? at + 1 : Math.max(at - 1, 0)];
      if (next) next.focus();
    }
  });
  const idle = () => !document.hidden && !String(getSelection()) && !document.querySelector("details[open]") && !typing(document.activeElement);
  setInterval(async () => {
    if (!idle()) return;
    try {
      const answer = await fetch(location.href);
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = fresh.querySelector("main");
      if (main && idle() && main.innerHTML !== document.querySelector("main").innerHTML) document.querySelector("main").replaceWith(main);
      const clock = fresh.querySelector("header p");
      if (clock) document.querySelector("header p").replaceWith(clock);
    } catch { /* the service is away: what is shown stays, with its time */ }
  }, 30000);
})();
