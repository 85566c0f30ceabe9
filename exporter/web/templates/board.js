"use strict";
(() => {
  const EVERY = 15000;
  const byId = (id) => document.getElementById(id);
  const pause = byId("pause");
  const filter = byId("q");
  const opened = new Map(); // what a person folded or unfolded, by target
  let timer = 0;
  let newest = 0;

  const details = (root) => root.querySelectorAll("details[data-key]");

  function watchFolding() {
    for (const one of details(document)) {
      one.querySelector("summary").addEventListener("click", () => opened.set(one.dataset.key, !one.open));
    }
  }

  // The focused link or summary is found again in the new page by what it names.
  function focusedIn(root) {
    const one = document.activeElement;
    if (!root.contains(one)) return () => null;
    if (one.tagName === "SUMMARY") {
      const key = one.parentElement.dataset.key;
      return (fresh) => [...details(fresh)].find((other) => other.dataset.key === key)?.querySelector("summary");
    }
    const href = one.getAttribute("href");
    return (fresh) => (href === null ? null : [...fresh.querySelectorAll("a")].find((a) => a.getAttribute("href") === href));
  }

  function swap(fresh, id) {
    const old = byId(id);
    const next = fresh.getElementById(id);
    if (old.outerHTML !== next.outerHTML) old.replaceWith(document.adoptNode(next));
  }

  function show(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    for (const one of details(fresh)) {
      if (opened.has(one.dataset.key)) one.open = opened.get(one.dataset.key);
    }
    const find = focusedIn(byId("live"));
    for (const id of ["verdict", "refresh", "again", "counts", "live"]) swap(fresh, id);
    document.title = fresh.title;
    document.querySelector("link[rel=icon]").replaceWith(document.adoptNode(fresh.querySelector("link[rel=icon]")));
    find(document)?.focus({ preventScroll: true });
    watchFolding();
  }

  async function load(address) {
    const mine = ++newest;
    let text;
    try {
      const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(EVERY) });
      if (!answer.ok) throw new Error(String(answer.status));
      text = await answer.text();
    } catch {
      if (mine === newest) byId("lost").hidden = false;
      return;
    }
    if (mine !== newest) return; // a later question is already on its way
    byId("lost").hidden = true;
    show(text);
  }

  function schedule() {
    clearInterval(timer);
    if (pause.getAttribute("aria-pressed") === "true") return;
    timer = setInterval(() => {
      // Whoever is reading with the mouse held, or looks elsewhere, is not disturbed.
      if (!document.hidden && getSelection().isCollapsed) load(location.href);
    }, EVERY);
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    pause.setAttribute("aria-pressed", String(pause.getAttribute("aria-pressed") !== "true"));
    schedule();
    if (pause.getAttribute("aria-pressed") !== "true") load(location.href);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && pause.getAttribute("aria-pressed") !== "true") load(location.href);
  });

  let typing = 0;
  function ask() {
    const words = filter.value.trim();
    const address = words ? `?${new URLSearchParams({ q: words })}` : byId("filter").getAttribute("action");
    history.replaceState(null, "", address);
    load(location.href);
  }
  filter.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(ask, 200);
  });
  byId("filter").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    ask();
  });

  watchFolding();
  schedule();
})();
