// The client loop for browsers: each case is one WebSocket that sends back every message.
"use strict";

const byId = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const base = (location.protocol === "https:" ? "wss://" : "ws://") + location.host;
const LONGEST = 120000; // Milliseconds after which the page itself closes a connection.
const state = { agent: "", plan: null, next: 0, results: new Map(), rows: new Map(), tiles: new Map(), open: [], begun: 0 };

function guessedName() {
  const found = /(Firefox|Edg|OPR|HeadlessChrome|Chrome|Version)\/(\d+)/.exec(navigator.userAgent);
  if (!found) return "browser";
  const names = { Version: "Safari", Edg: "Edge", OPR: "Opera", HeadlessChrome: "Chrome" };
  return (names[found[1]] || found[1]) + "/" + found[2];
}

function element(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

async function fetchJson(path) {
  const answer = await fetch(path + "agent=" + encodeURIComponent(state.agent), { cache: "no-store" });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

// --- display

function showStatus(text) { byId("status").textContent = text; }

function showCounts() {
  const counts = {};
  for (const result of state.results.values()) counts[result.mark] = (counts[result.mark] || 0) + 1;
  const list = byId("counts");
  list.replaceChildren();
  for (const mark of state.plan.marks) {
    const item = element("li", undefined, counts[mark.name] ? "" : "none");
    item.append(element("b", String(counts[mark.name] || 0), mark.name), element("span", mark.symbol + " " + mark.words));
    list.append(item);
  }
}

function showProgress() {
  const total = state.plan.cases.length;
  const share = total ? Math.max(0, total - state.open.length) / total : 1;
  byId("bar").style.width = (100 * share).toFixed(1) + "%";
  const progress = byId("progress");
  progress.setAttribute("aria-valuemax", String(total));
  progress.setAttribute("aria-valuenow", String(Math.round(share * total)));
}

// One part of the table for each mark, the most severe first.
function makeParts() {
  for (const mark of state.plan.severity) {
    const part = element("tbody");
    part.id = "rows-" + mark;
    byId("table").append(part);
  }
}

function showTiles() {
  const tiles = byId("tiles");
  tiles.replaceChildren();
  for (const each of state.plan.cases) {
    const tile = element("i");
    tile.title = each.id;
    state.tiles.set(each.id, tile);
    tiles.append(tile);
  }
}

function showResult(result) {
  const mark = state.plan.marks.find(each => each.name === result.mark);
  const row = element("tr");
  const about = element("td");
  about.append(element("code", result.id), element("div", result.title, "title"));
  if (result.observed && result.mark !== "PASSED") {
    const finding = element("div", undefined, "finding " + result.mark);
    finding.append(element("span", "expected " + result.expected + "; observed " + result.observed));
    about.append(finding);
  }
  if (result.flaky) about.append(element("div", "flaky: the attempts gave different results; the last one counts", "title"));
  row.append(
    element("td", mark.symbol + " " + mark.words, "mark " + mark.name), about, element("td", result.cited, "cited"),
    element("td", (result.us / 1000).toFixed(1) + " ms", "right"));
  row.dataset.text = (result.id + " " + result.title + " " + result.observed).toLowerCase();
  row.dataset.uneventful = String(result.mark === "PASSED" || result.mark === "SKIPPED");
  const before = state.rows.get(result.id);
  if (before) before.remove();
  byId("rows-" + result.mark).append(row);
  state.rows.set(result.id, row);
  const tile = state.tiles.get(result.id);
  if (tile) { tile.className = result.mark + (tile.classList.contains("running") ? " running" : ""); tile.title = result.id + ": " + mark.words; }
  filterRow(row);
}

function filterRow(row) {
  const wanted = byId("filter").value.trim().toLowerCase();
  row.hidden = (wanted !== "" && !row.dataset.text.includes(wanted)) || (byId("findings").checked && row.dataset.uneventful === "true");
}

async function refresh() {
  const update = await fetchJson("results?since=" + state.next + "&");
  state.next = update.next;
  state.open = update.open;
  for (const result of update.results) { state.results.set(result.id, result); showResult(result); }
  byId("empty").hidden = state.results.size > 0;
  showCounts();
  showProgress();
}

// --- the client

function connect(path, onMessage) {
  return new Promise(done => {
    let socket;
    try {
      socket = new WebSocket(base + path);
    } catch (error) {
      done();
      return;
    }
    const watch = setTimeout(() => { socket.close(); done(); }, LONGEST);
    socket.binaryType = "arraybuffer";
    socket.onmessage = event => onMessage(socket, event.data);
    socket.onclose = () => { clearTimeout(watch); done(); };
  });
}

async function runCase(id) {
  const tile = state.tiles.get(id);
  if (tile) tile.classList.add("running");
  const path = "/runCase?casetuple=" + encodeURIComponent(id) + "&agent=" + encodeURIComponent(state.agent);
  await connect(path, (socket, data) => { if (socket.readyState === WebSocket.OPEN) socket.send(data); });
  if (tile) { tile.classList.remove("running"); if (!state.results.has(id)) tile.classList.add("open"); }
}

async function runAll(ids, jobs, repeating) {
  const queue = ids.slice();
  const worker = async () => {
    while (queue.length) {
      await runCase(queue.shift());
      showStatus((repeating ? "Repeating cases that did not pass: " : "Running: ") + queue.length + " left");
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, worker));
}

async function round(jobs, repeating) {
  const together = state.open.filter(each => each.together).map(each => each.id);
  const alone = state.open.filter(each => !each.together).map(each => each.id);
  await runAll(together, jobs, repeating);
  await runAll(alone, 1, repeating);
}

async function run() {
  state.agent = byId("agent").value.trim() || guessedName();
  const jobs = Number(byId("jobs").value) || 4;
  for (const name of ["agent", "jobs", "start"]) byId(name).disabled = true;
  state.begun = performance.now();
  state.next = 0;
  await fetchJson("begin?");
  await refresh();
  const clock = setInterval(() => { byId("clock").textContent = ((performance.now() - state.begun) / 1000).toFixed(1) + " s"; }, 100);
  const poll = setInterval(() => { refresh().catch(() => {}); }, 400);
  // Cases that did not pass are repeated. Stop after two rounds in a row without a new result.
  for (let tries = 0, before = Infinity; state.open.length && tries < 2;) {
    await round(jobs, before < Infinity);
    await refresh();
    tries = state.open.length < before ? 0 : tries + 1;
    before = state.open.length;
  }
  await connect("/updateReports?agent=" + encodeURIComponent(state.agent), () => {});
  clearInterval(poll);
  clearInterval(clock);
  await refresh().catch(() => {});
  const seconds = ((performance.now() - state.begun) / 1000).toFixed(1);
  const left = state.open.length;
  showStatus("Done: " + state.results.size + " results in " + seconds + " s" + (left ? "; " + left + " cases have no result" : "") + ". The reports are written.");
  document.title = "done: wsconform";
}

function begin() {
  run().catch(error => { showStatus("Stopped: " + (error.message || error) + " Check that wsconform is still running."); });
}

async function load() {
  byId("agent").value = state.agent = query.get("agent") || guessedName();
  if (query.get("jobs")) byId("jobs").value = query.get("jobs");
  state.plan = await fetchJson("plan?");
  makeParts();
  showTiles();
  await refresh();
  if (!state.open.length && state.plan.cases.length) showStatus("A client with this name has run every case. Choose another name to run them again.");
  else showStatus(state.plan.cases.length + " cases and " + state.plan.monitors.length + " monitors of all connections, served at " + state.plan.address);
  byId("controls").addEventListener("submit", event => { event.preventDefault(); begin(); });
  for (const name of ["filter", "findings"]) {
    byId(name).addEventListener("input", () => { for (const row of state.rows.values()) filterRow(row); });
  }
  if (query.get("auto")) begin();
}

load().catch(error => showStatus("The plan could not be loaded: " + error.message));
