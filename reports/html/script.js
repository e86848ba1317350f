"use strict";
/* Adds the filter, pins, keys and copying, and unpacks the pages of a single file. A site is complete without it. */
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const pages = all(".page");
  const hide = (element, hidden) => { if (element.hidden !== hidden) element.hidden = hidden; };
  const shownPage = () => pages.find((page) => !page.hidden);

  // --- addresses: "#part"; on the index "#part?filter", in which part may be empty

  const address = () => {
    const [part, query = ""] = location.hash.slice(1).split("?");
    let id = "";
    try { id = decodeURIComponent(part); } catch { /* an address that this report did not write */ }
    return { id, query: new URLSearchParams(query) };
  };

  // --- parts of a single file: elements and texts as JSON, deflated

  const packs = new Map();
  const unpack = (number) => {
    if (!packs.has(number)) {
      const octets = Uint8Array.from(atob(document.getElementById(`pack-${number}`).textContent), (letter) => letter.charCodeAt(0));
      packs.set(number, new Response(new Blob([octets]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).json());
    }
    return packs.get(number);
  };
  const dump = (hex, masked, cut) => {
    const octets = (hex.match(/../g) || []).map((each) => parseInt(each, 16));
    for (let place = masked; masked && place < octets.length; place += 1) octets[place] ^= octets[masked - 4 + (place - masked) % 4];
    const lines = (some, offset) => {
      const dumped = [];
      for (let start = 0; start < some.length; start += 16) {
        const piece = some.slice(start, start + 16);
        const letters = piece.map((octet) => octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : "·").join("");
        const digits = piece.map((octet) => octet.toString(16).padStart(2, "0")).join(" ");
        dumped.push(`${(offset + start).toString(16).padStart(4, "0")}  ${digits.padEnd(47)}  ${letters}`);
      }
      return dumped;
    };
    if (!cut.length) return lines(octets, 0).join("\n");
    const [length, digest, rest] = cut;
    const tail = (rest.match(/../g) || []).map((each) => parseInt(each, 16));
    const between = `      … ${length - octets.length - tail.length} octets are not kept; all ${length} have SHA-256 ${digest}…`;
    return [...lines(octets, 0), between, ...lines(tail, length - tail.length)].join("\n");
  };
  /* A row of a ladder; macros.html builds the same markup for a site. */
  const rung = ([side, time, summary, connection, decided, fields, head, hex, masked, cut]) => {
    const say = make("span", { class: "say" }, make("i", {}, side === "event" ? "" : `${side}:`));
    if (connection > 1) say.append(make("small", {}, `#${connection}`), " ");
    say.append(make("q", {}, summary));
    const line = [make("time", {}, time), say];
    if (decided.length) line.push(make("b", { class: "decides" }, decided[1], make("i", {}, "this decided")));
    const octets = make("div", { class: "octets" });
    if (fields.length) {
      octets.append(make("dl", { class: "fields" }, ...fields.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))));
    }
    if (head) octets.append(make("pre", { class: "head", tabindex: "0" }, head));
    if (hex) octets.append(make("pre", { class: "hex", tabindex: "0" }, dump(hex, masked, cut)));
    return make("li", { class: decided.length ? `${side} decided ${decided[0]}` : side },
      octets.firstChild ? make("details", {}, make("summary", {}, ...line), octets) : make("div", { class: "plain" }, ...line));
  };
  const built = (node) => {
    if (typeof node === "string") return node;
    const [tag, attributes, ...children] = node;
    return make(tag, attributes, ...children.flatMap((each) => each.rows ? each.rows.map(rung) : [built(each)]));
  };
  const canUnpack = "DecompressionStream" in window;
  /* Builds a packed part of a page, and returns whether there was one. */
  const fill = async (holder) => {
    if (!holder.dataset.pack) return false;
    const [pack, place] = holder.dataset.pack.split(":");
    holder.removeAttribute("data-pack");
    const nodes = (await unpack(pack))[place].map(built);
    holder.classList.remove("packed");
    holder.replaceChildren(...nodes);
    return true;
  };
  const fillLadders = async (ladders) => {
    if (!await fill(ladders)) return;
    all(".command", ladders).forEach(copying);
    choose(ladders);
  };
  const fillPage = async (page) => {
    if (!canUnpack) return;
    const holder = page.querySelector(".packed[data-pack]");
    if (holder && await fill(holder)) enhance(holder);
    for (const ladders of all(".ladders[data-pack]", page)) if (!ladders.closest("details:not([open])")) await fillLadders(ladders);
  };

  // --- opening the element that an address points into

  const open = (element) => {
    for (let each = element; each; each = each.parentElement) if (each.localName === "details") each.open = true;
    const inner = element && element.matches(".one-case") && element.querySelector("details");
    if (inner) inner.open = true;
  };
  const single = pages.length > 1;
  const fit = (page) => { for (const each of all(".matrix.many", page)) each.classList.toggle("fits", each.scrollWidth <= each.clientWidth); };
  addEventListener("resize", () => fit(shownPage()));
  const go = async () => {
    const { id } = address();
    const page = (single && id && document.getElementById(id)?.closest(".page")) || document.getElementById(id.split(":")[0])?.closest(".page") || pages[0];
    if (single) {
      for (const each of pages) hide(each, each !== page);
      document.title = `${page.dataset.title} · WebSocket conformance`;
      for (const link of all("nav a")) {
        if (link.dataset.page === page.id) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    }
    await fillPage(page);
    fit(page);
    const found = id && document.getElementById(id);
    open(found);
    if (found && found !== page) found.scrollIntoView();
    else if (single) scrollTo(0, 0);
  };

  // --- two ladders side by side: the letters of the behaviours choose, a pin holds one of them

  const choose = (ladders) => {
    const cards = all(".rungs", ladders);
    const drawn = new Set(cards.map((card) => card.dataset.b));
    const letters = new Map(all("li[data-b]", ladders.parentElement).filter((row) => drawn.has(row.dataset.b)).map((row) => [row.dataset.b, row]));
    for (const card of cards) tools(card);
    if (cards.length < 3 || !letters.size) return;
    const slots = ladders.dataset.first.split(" ");
    let pinned = "";
    const show = () => {
      for (const card of cards) {
        const place = slots.indexOf(card.dataset.b);
        card.classList.toggle("unchosen", place < 0);
        card.classList.toggle("second", place === 1);
        const pin = card.querySelector(".pin");
        pin.setAttribute("aria-pressed", String(pinned === card.dataset.b));
      }
      for (const [letter, row] of letters) row.querySelector("button").setAttribute("aria-pressed", String(slots.includes(letter)));
    };
    for (const card of cards) {
      const letter = card.dataset.b;
      const pin = make("button", { type: "button", class: "pin", "aria-label": `Pin ${letter}: keep it while you choose another` }, "Pin");
      pin.addEventListener("click", () => { pinned = pinned === letter ? "" : letter; show(); });
      card.querySelector("header").append(pin);
    }
    for (const [letter, row] of letters) {
      const button = make("button", { type: "button", class: "letter", "aria-label": `Show ${letter}` }, letter);
      button.addEventListener("click", () => {
        if (!slots.includes(letter)) slots[slots[1] === pinned ? 0 : 1] = letter;
        show();
      });
      row.querySelector(".letter").replaceWith(button);
    }
    ladders.classList.add("chosen");
    show();
  };

  // --- copying, exporting

  const copying = (line) => {
    if (!navigator.clipboard) return;
    const button = make("button", { type: "button" }, "Copy");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(line.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    line.append(button);
  };
  const save = (name, text) => {
    const link = make("a", { href: URL.createObjectURL(new Blob([text])), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const entries = (card) => all(".ladder > li", card).map((row) => ({
    side: row.classList[0],
    time: row.querySelector("time").textContent,
    summary: row.querySelector("q").textContent,
    fields: Object.fromEntries(all(".fields > div", row).map((each) => [each.children[0].textContent, each.children[1].textContent])),
    head: row.querySelector("pre.head")?.textContent,
    hex: row.querySelector("pre.hex")?.textContent.split("\n"),
  }));
  const tools = (card) => {
    const forms = card.querySelector(".forms");
    if (!forms || forms.dataset.done) return;
    forms.dataset.done = "1";
    const word = card.querySelector(".export .command b");
    const name = card.querySelector(".at").textContent.replace(/[^\w.-]+/g, "-");
    const buttons = all("[data-form]", forms).map((each) => {
      const button = make("button", { type: "button", title: each.textContent }, each.dataset.form.split(" ")[0]);
      button.addEventListener("click", () => {
        word.textContent = each.dataset.form;
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      });
      button.setAttribute("aria-pressed", String(word.textContent === each.dataset.form));
      return button;
    });
    const asHex = make("button", { type: "button" }, "Save hex");
    asHex.addEventListener("click", () => save(`${name}.hex.txt`, entries(card).map((each) =>
      [`# ${each.side} ${each.time} ${each.summary}`, each.head, ...(each.hex || [])].filter(Boolean).join("\n")).join("\n")));
    const asJson = make("button", { type: "button" }, "Save JSON");
    asJson.addEventListener("click", () => save(`${name}.json`, JSON.stringify(entries(card), null, 1)));
    forms.replaceChildren(make("span", { role: "group", "aria-label": "Form" }, ...buttons), asHex, asJson);
  };
  const enhance = (root) => {
    all(".command", root).forEach(copying);
    for (const ladders of all(".ladders:not([data-pack])", root)) choose(ladders);
  };
  document.addEventListener("toggle", (event) => {
    const ladders = event.target.open && canUnpack && event.target.parentElement.matches(".one-case") && event.target.querySelector(".ladders[data-pack]");
    if (ladders) fillLadders(ladders);
  }, true);

  // --- the filter of the index

  const form = document.querySelector("form.filter");
  const index = form && form.closest(".page");
  if (form) {
    const words = form.elements.q;
    const toggles = all("button[data-mark]", form);
    const boxes = all("[name=target]", form);
    const sheet = index.querySelector(".cases");
    const head = all(".head tr, .sums tr", sheet).map((row) => [...row.children].slice(1));
    const areas = all("[data-area]", index).map((area) => {
      const name = area.querySelector("h3").textContent.toLowerCase();
      const rows = all("tbody tr", area).map((row) => {
        const cells = [...row.children].slice(1);
        return { row, cells, marks: cells.map((cell) => cell.classList[0]), text: `${name} ${row.children[0].textContent.toLowerCase()}` };
      });
      return { area, rows, heads: all("thead th", area).slice(1), counts: all("summary .v", area), open: area.open };
    });
    const nothing = index.querySelector(".nothing");
    let filtering = false;
    let shown = boxes.map(() => true);
    const columns = () => {
      const wanted = boxes.map((box) => box.checked);
      if (wanted.every((each, place) => each === shown[place])) return;
      shown = wanted;
      const some = (cells) => cells.forEach((cell, place) => hide(cell, !shown[place]));
      head.forEach(some);
      for (const { rows, heads, counts } of areas) {
        some(heads);
        some(counts);
        for (const { cells } of rows) some(cells);
      }
      const count = shown.filter(Boolean).length;
      for (const column of all("col.c", sheet)) column.span = Math.max(1, count);
      sheet.style.setProperty("--n", Math.max(1, count));
      form.querySelector(".menu summary").textContent = count === boxes.length ? "Targets" : `Targets: ${count} of ${boxes.length}`;
    };
    const apply = () => {
      columns();
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const marks = toggles.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.mark);
      const level = form.elements.level.value;
      const active = Boolean(wanted.length || marks.length || level);
      let count = 0;
      for (const each of areas) {
        let some = 0;
        for (const { row, marks: has, text } of each.rows) {
          const show = wanted.every((word) => text.includes(word)) && (!level || row.dataset.l === level) &&
            (!marks.length || has.some((mark, place) => shown[place] !== false && marks.includes(mark)));
          hide(row, !show);
          some += show;
        }
        hide(each.area, !some);
        if (active && !filtering) each.open = each.area.open;
        if (active || filtering) each.area.open = active ? some > 0 : each.open;
        count += some;
      }
      filtering = active;
      nothing.hidden = count > 0;
      form.querySelector("output").textContent = active ? `${count} row${count === 1 ? "" : "s"}` : "";
    };
    /* The address keeps the filter, so that it can be shared and restored when the reader comes back. */
    const keep = () => {
      const query = new URLSearchParams();
      if (words.value) query.set("q", words.value);
      for (const button of toggles) if (button.getAttribute("aria-pressed") === "true") query.append("mark", button.dataset.mark);
      if (form.elements.level.value) query.set("level", form.elements.level.value);
      if (boxes.some((box) => !box.checked)) for (const box of boxes) if (box.checked) query.append("target", box.value);
      history.replaceState(null, "", `#${single ? index.id : ""}${query.size ? `?${query}` : ""}`);
    };
    const recall = () => {
      const { id, query } = address();
      if (id && id !== index.id) return;
      words.value = query.get("q") || "";
      form.elements.level.value = query.get("level") || "";
      const targets = query.getAll("target");
      for (const box of boxes) box.checked = !targets.length || targets.includes(box.value);
      for (const button of toggles) button.setAttribute("aria-pressed", String(query.getAll("mark").includes(button.dataset.mark)));
      apply();
    };
    for (const button of toggles) {
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
        apply();
        keep();
      });
    }
    form.addEventListener("input", () => { apply(); keep(); });
    form.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("click", (event) => {
      for (const menu of all(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    });
    form.hidden = false;
    addEventListener("hashchange", recall);
    recall();
  }

  if (single) document.body.classList.add("paged");
  enhance(document);
  addEventListener("hashchange", go);
  go();

  // --- keys

  const help = make("dialog", { "aria-labelledby": "keys" }, make("h2", { id: "keys" }, "Keys"), make("dl", {},
    ...[["/", "search"], ["n  p", "next, previous violation"], ["↑  ↓", "from row to row"], ["Enter", "open"], ["1 … 9", "show a behaviour’s ladder"], ["?", "this help"], ["Esc", "close"]]
      .map(([key, action]) => make("div", {}, make("dt", {}, make("kbd", {}, key)), make("dd", {}, action)))));
  document.body.append(help);
  const seen = (element) => element.checkVisibility ? element.checkVisibility() : element.offsetParent;
  const step = (targets, by) => {
    const visible = targets.filter(seen);
    if (!visible.length) return;
    const now = visible.indexOf(document.activeElement);
    const next = now < 0 ? (by > 0 ? 0 : visible.length - 1) : Math.min(visible.length - 1, Math.max(0, now + by));
    visible[next].focus();
    visible[next].scrollIntoView({ block: "nearest" });
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const typing = /^(?:input|select|textarea)$/.test(event.target.localName) && event.target.type !== "checkbox";
    const page = shownPage();
    if (event.key === "Escape") {
      for (const menu of all(".menu[open]")) { menu.open = false; menu.firstElementChild.focus(); }
      if (typing) event.target.blur();
    }
    if (typing || !page) return;
    const by = { ArrowDown: 1, ArrowUp: -1, n: 1, p: -1 }[event.key];
    if (event.key === "/" && form && page.contains(form)) form.elements.q.focus();
    else if (event.key === "?") help.showModal();
    else if (event.key === "n" || event.key === "p") step(all("td.bad a, .finding.bad h3 a, .decided.bad summary, #newly-violated a", page), by);
    else if (by) {
      const links = all(".area[open] tbody th a:not(.cite), .area > summary, .finding h3 a, .briefs a, .one-case > details > summary, .splits h2 a, .deltas a, .fold > summary, .tile, .behaviours button, .ladder summary", page);
      const from = document.activeElement;
      if (from !== document.body && !links.includes(from) && from.id !== "main") return;
      step(links, by);
    } else if (/^[1-9]$/.test(event.key)) {
      const near = document.activeElement.closest(".one-case") || all(".one-case", page).find((each) => each.querySelector(".behaviours button") && seen(each));
      const button = near && all(".behaviours button", near)[event.key - 1];
      if (!button) return;
      button.focus();
      button.click();
    } else return;
    event.preventDefault();
  });
  addEventListener("beforeprint", () => { for (const each of all(".one-case > details, .fold, .area, details.roster", shownPage())) if (each.querySelector(".bad, .err")) each.open = true; });
})();
