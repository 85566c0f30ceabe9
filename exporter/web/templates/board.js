"use strict";
(() => {
  const EVERY = 15000;
  const SOON = 2000; // most polls end sooner
  const byId = (id) => document.getElementById(id);
  const pause = byId("pause");
  const filter = byId("q");
  const sort = byId("sort");
  const opened = new Map(); // what a person folded or unfolded, by its key
  const said = new Map(); // what the exporter answered to "Ask again now", by target
  let timer = 0;
  let newest = 0;

  const details = (root) => root.querySelectorAll("details[data-key]");
  const asks = (root) => root.querySelectorAll("form[data-ask]");

  function watchFolding() {
    for (const one of details(document)) {
      one.querySelector("summary").addEventListener("click", () => opened.set(one.dataset.key, !one.open));
    }
  }

  // The focused element is found again in the new page by what it names: its id, what it folds, where it leads, what it says.
  function focusedIn(root) {
    const one = document.activeElement;
    if (!root.contains(one)) return () => null;
    if (one.id) return (fresh) => fresh.getElementById(one.id);
    const key = one.closest("details[data-key]")?.dataset.key;
    const within = (fresh) => [...details(fresh)].find((other) => other.dataset.key === key);
    if (one.tagName === "SUMMARY") return (fresh) => within(fresh)?.querySelector("summary");
    const asking = one.form?.dataset.ask;
    if (asking !== undefined) return (fresh) => [...asks(fresh)].find((form) => form.dataset.ask === asking)?.querySelector("button");
    const href = one.getAttribute("href");
    const same = (other) => other.getAttribute("href") === href && other.textContent === one.textContent;
    return (fresh) => [...(within(fresh) ?? fresh).querySelectorAll(one.tagName)].find(same);
  }

  function swap(fresh, id) {
    const old = byId(id);
    const next = fresh.getElementById(id);
    if (old.outerHTML === next.outerHTML) return;
    const find = focusedIn(old);
    old.replaceWith(document.adoptNode(next));
    find(document)?.focus({ preventScroll: true });
  }

  function show(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    for (const one of details(fresh)) {
      if (opened.has(one.dataset.key)) one.open = opened.get(one.dataset.key);
    }
    for (const form of asks(fresh)) form.querySelector("output").textContent = said.get(form.dataset.ask) ?? "";
    for (const id of ["verdict", "refresh", "again", "counts", "live"]) swap(fresh, id);
    document.title = fresh.title;
    document.querySelector("link[rel=icon]").replaceWith(document.adoptNode(fresh.querySelector("link[rel=icon]")));
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

  // Whoever is reading with the mouse held, types the number of a page, or looks elsewhere, is not disturbed.
  function isBusy() {
    const one = document.activeElement;
    return document.hidden || !getSelection().isCollapsed || (one.tagName === "INPUT" && byId("live").contains(one));
  }

  function schedule() {
    clearInterval(timer);
    if (pause.getAttribute("aria-pressed") === "true") return;
    timer = setInterval(() => {
      if (!isBusy()) load(location.href);
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

  // An address that ends with #TARGET/ or #TARGET/CONNECTION leads there, also when the target is on another page. Its parts are
  // encoded as in a query string; what a person wrote by hand is understood, too.
  const encode = (text) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`).replace(/%20/g, "+");
  function decode(text) {
    try {
      return decodeURIComponent(text.replace(/\+/g, " "));
    } catch {
      return text;
    }
  }

  function reveal(target, part) {
    const place = byId(`${encode(target)}/${encode(part)}`) ?? byId(`${encode(target)}/`);
    if (place === null) return false;
    const folded = place.closest("details");
    folded.open = true;
    opened.set(folded.dataset.key, true);
    place.scrollIntoView();
    (place.matches("details") ? place.querySelector("summary") : place).focus({ preventScroll: true });
    return part === "" || place !== folded;
  }

  async function follow() {
    const hash = location.hash.slice(1);
    if (!hash || byId(hash)?.closest("details") === null) return; // a place of ours, such as #targets
    const [target, part = ""] = hash.split("/").map(decode);
    const lang = new URLSearchParams(location.search).get("lang");
    const alone = `?${new URLSearchParams(lang ? { target, lang } : { target })}${location.hash}`;
    if (reveal(target, part) || location.search === alone.slice(0, -location.hash.length)) return;
    const before = location.href;
    history.replaceState(null, "", alone);
    await load(location.href);
    if (byId(`${encode(target)}/`) === null) {
      history.replaceState(null, "", before); // there is no such target
      await load(location.href);
      return;
    }
    filter.value = byId("again").dataset.query;
    reveal(target, part);
  }

  let typing = 0;
  function ask() {
    const words = filter.value.trim();
    const asked = new URLSearchParams();
    const lang = new URLSearchParams(location.search).get("lang");
    if (words) asked.set("q", words);
    if (sort.selectedIndex > 0) asked.set("sort", sort.value);
    if (lang) asked.set("lang", lang);
    history.replaceState(null, "", asked.size ? `?${asked}` : location.pathname);
    load(location.href);
  }
  filter.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(ask, 200);
  });
  sort.addEventListener("change", ask);
  byId("filter").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    ask();
  });
  addEventListener("hashchange", follow);

  document.addEventListener("submit", async (event) => {
    const { action, dataset } = event.target;
    if (dataset.ask === undefined) return;
    event.preventDefault();
    let text = byId("lost").dataset.short;
    try {
      const answer = await fetch(action, { method: "POST", headers: { Accept: "text/plain" }, signal: AbortSignal.timeout(EVERY) });
      text = (await answer.text()).trim();
    } catch {
      // it is said below
    }
    said.set(dataset.ask, text);
    for (const form of asks(document)) if (form.dataset.ask === dataset.ask) form.querySelector("output").textContent = text;
    setTimeout(() => load(location.href), SOON);
    setTimeout(() => said.delete(dataset.ask), EVERY);
  });

  watchFolding();
  schedule();
  follow();
})();
