"use strict";
/* Adds filter, keys, copying, and in a single file pages and packed ladders. Without it the report is complete. */
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const shownPage = () => all(".page").find((page) => !page.hidden);

  // --- pages of a single file, and what an address points into

  const pages = all(".page");
  const place = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { /* not ours */ }
    return document.getElementById(id);
  };
  const open = (element) => {
    for (let each = element; each; each = each.parentElement) if (each.localName === "details") each.open = true;
    const inner = element && element.matches(".put") && element.querySelector("details");
    if (inner) inner.open = true;
  };
  const go = () => {
    const found = place();
    const page = (found && found.closest(".page")) || pages[0];
    if (pages.length > 1) {
      for (const each of pages) each.hidden = each !== page;
      document.title = `${page.dataset.title} · WebSocket conformance`;
      for (const link of all("nav a")) {
        if (link.dataset.page === page.id) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    }
    open(found);
    if (found && found !== page) found.scrollIntoView();
    else if (pages.length > 1) scrollTo(0, 0);
  };
  if (pages.length > 1) document.body.classList.add("paged");
  addEventListener("hashchange", go);
  go();

  // --- the filter of the index

  const form = document.querySelector("form.filter");
  if (form) {
    const words = form.elements.words;
    const toggles = all("button[data-mark]", form);
    const areas = all("[data-area]");
    const rows = areas.map((area) => all("tbody tr", area).map((row) => [row, row.querySelector("th").textContent.toLowerCase()]));
    const wasOpen = areas.map((area) => area.open);
    const nothing = document.querySelector(".nothing");
    let filtering = false;
    const apply = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const marks = toggles.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.mark);
      const level = form.elements.level.value;
      const active = Boolean(wanted.length || marks.length || level);
      let count = 0;
      areas.forEach((area, index) => {
        let some = false;
        for (const [row, text] of rows[index]) {
          const has = row.dataset.m.split(" ");
          const show = wanted.every((word) => text.includes(word) || area.textContent.toLowerCase().startsWith(word)) &&
            (!marks.length || marks.some((mark) => has.includes(mark))) && (!level || row.dataset.l === level);
          row.hidden = !show;
          some = some || show;
          count += show;
        }
        area.hidden = !some;
        if (active && !filtering) wasOpen[index] = area.open;
        area.open = active ? some : wasOpen[index];
      });
      filtering = active;
      nothing.hidden = count > 0;
      form.querySelector("output").textContent = active ? `${count} row${count === 1 ? "" : "s"}` : "";
    };
    for (const button of toggles) {
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
        apply();
      });
    }
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
  }

  // --- copying a command

  if (navigator.clipboard) {
    for (const line of all(".again")) {
      const button = make("button", { type: "button" }, "Copy");
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(line.querySelector("code").textContent);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      line.append(button);
    }
  }

  // --- packed ladders

  const packs = new Map();
  const unpack = async (id) => {
    const text = document.getElementById(`pack-${id}`).textContent;
    const octets = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([octets]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Response(stream).json();
  };
  const rung = ([side, time, summary, connection, , fields, head, dump]) => {
    const say = make("span", { class: "say" });
    if (side !== "event") say.append(make("i", {}, `${side}:`));
    if (connection > 1) say.append(make("small", {}, `#${connection}`), " ");
    say.append(make("q", {}, summary));
    if (!fields.length && !head && !dump) {
      return make("li", { class: side }, make("div", { class: "plain" }, make("time", {}, time), say));
    }
    const octets = make("div", { class: "octets" });
    if (fields.length) {
      octets.append(make("dl", { class: "fields" }, ...fields.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))));
    }
    if (head) octets.append(make("pre", { class: "head", tabindex: "0" }, head));
    if (dump) octets.append(make("pre", { class: "hex", tabindex: "0" }, dump));
    return make("li", { class: side }, make("details", {}, make("summary", {}, make("time", {}, time), say), octets));
  };
  for (const line of "DecompressionStream" in window ? all("[data-pack]") : []) {
    const [pack, number] = line.dataset.pack.split(":");
    const button = make("button", { type: "button" }, "Show the transcript");
    button.addEventListener("click", async () => {
      if (!packs.has(pack)) packs.set(pack, unpack(pack));
      const ladder = (await packs.get(pack))[number];
      const sides = make("div", { class: "sides", "aria-hidden": "true" }, make("span", {}, "ours"), make("span", {}, "target"));
      const list = make("ol", { class: "ladder", tabindex: "-1" }, ...ladder.map(rung));
      line.replaceWith(sides, list);
      list.focus();
    });
    line.replaceChildren(button);
  }

  // --- keys

  const help = make("dialog", { "aria-labelledby": "keys" }, make("h2", { id: "keys" }, "Keys"), make("dl", {},
    ...[["/", "search"], ["n  p", "next, previous violation"], ["↑  ↓", "from row to row"], ["Enter", "open"], ["?", "this help"], ["Esc", "leave"]]
      .map(([key, what]) => make("div", {}, make("dt", {}, make("kbd", {}, key)), make("dd", {}, what)))));
  document.body.append(help);
  const step = (targets, by) => {
    const seen = targets.filter((each) => each.checkVisibility ? each.checkVisibility() : each.offsetParent);
    if (!seen.length) return;
    const now = seen.indexOf(document.activeElement);
    const next = now < 0 ? (by > 0 ? 0 : seen.length - 1) : Math.min(seen.length - 1, Math.max(0, now + by));
    seen[next].focus();
    seen[next].scrollIntoView({ block: "nearest" });
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const typing = /^(?:input|select|textarea)$/.test(event.target.localName);
    const page = shownPage();
    if (event.key === "Escape" && typing) event.target.blur();
    if (typing || !page) return;
    const links = () => all(".area[open] tbody th a:not(.cite), .area > summary, .finding h3 a, .put summary, .splits h2 a", page);
    if (event.key === "/" && form && page.contains(form)) form.elements.words.focus();
    else if (event.key === "?") help.showModal();
    else if (event.key === "n" || event.key === "p") step(all("td.bad a, .finding.bad h3 a, .decided.bad summary", page), event.key === "n" ? 1 : -1);
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && links().includes(event.target)) step(links(), event.key === "ArrowDown" ? 1 : -1);
    else return;
    event.preventDefault();
  });
  addEventListener("beforeprint", () => { for (const each of all(".put details, .fold")) if (each.querySelector(".bad, .err")) each.open = true; });
})();
