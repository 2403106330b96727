// The page of a local stack. It requests the state each second while it is visible, and receives events
// as they happen. It sets everything as text, never as HTML.
"use strict";

const ms = 1e6; // durations come in nanoseconds
const keep = 2000;
const $ = (id) => document.getElementById(id);
const entries = []; // oldest first
let dirty = true;

function el(tag, text, cls) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (cls) e.className = cls;
  return e;
}
function row(...cells) {
  const tr = el("tr");
  for (const c of cells) {
    const [text, cls] = Array.isArray(c) ? c : [c];
    if (text instanceof Node) { const td = el("td", undefined, cls); td.append(text); tr.append(td); } else tr.append(el("td", text, cls));
  }
  return tr;
}
function fill(id, rows, columns, none) {
  $(id).replaceChildren(...(rows.length ? rows : [noneRow(columns, none)]));
}
function noneRow(columns, text) {
  const td = el("td", text, "dim"); td.colSpan = columns;
  const tr = el("tr"); tr.append(td);
  return tr;
}
function took(ns) {
  if (!ns) return "";
  if (ns < ms) return (ns / 1e3).toFixed(0) + " µs";
  if (ns < 1e3 * ms) return (ns / ms).toFixed(ns < 10 * ms ? 1 : 0) + " ms";
  return span(ns / 1e9);
}
function span(seconds) {
  if (seconds < 60) return seconds.toFixed(0) + " s";
  if (seconds < 3600) return (seconds / 60).toFixed(0) + " min";
  return (seconds / 3600).toFixed(1) + " h";
}
const since = (now, then) => span(Math.max(0, (new Date(now) - new Date(then)) / 1000));
const clock = (at) => new Date(at).toLocaleTimeString(undefined, { hour12: false }) + "." + String(new Date(at).getMilliseconds()).padStart(3, "0");
const number = (n) => n.toLocaleString(undefined, { maximumFractionDigits: n < 10 ? 3 : 0 });

// what names the target of an event: its route, function, connection or resource.
function what(e) {
  switch (e.Kind) {
    case "CONNECT": case "MESSAGE": case "DISCONNECT": return e.Route || e.Kind;
    case "INVOKE": return e.Function;
    case "AUTHORIZE": return "authorizer " + e.Function;
    case "SENT": return "to " + e.ConnectionID;
    case "POST": return e.Operation + " " + e.ConnectionID;
    default: return [e.Operation, e.Resource].filter(Boolean).join(" ");
  }
}
const result = (e) => e.Error || (e.Status && e.Status !== 200 ? String(e.Status) : "");
const failed = (e) => Boolean(e.Error) || e.Status >= 400 && e.Status < 1000;

// A path begins with an event of a client, or with an invocation that no client
// caused. It has all events with the same Lambda request id. An authorizer has
// another invocation, and the request id of the handshake that it decides.
function paths() {
  const byInvocation = new Map(), authorizers = new Map();
  const roots = [];
  for (const e of entries) {
    if (e.Invocation) {
      if (!byInvocation.has(e.Invocation)) byInvocation.set(e.Invocation, []);
      byInvocation.get(e.Invocation).push(e);
    }
    if (e.Kind === "AUTHORIZE") authorizers.set(e.RequestID, e.Invocation);
    if (["CONNECT", "MESSAGE", "DISCONNECT"].includes(e.Kind)) roots.push(e);
  }
  for (const list of byInvocation.values()) {
    const invoke = list.find((e) => e.Kind === "INVOKE");
    if (invoke && !list.some((e) => ["CONNECT", "MESSAGE", "DISCONNECT", "AUTHORIZE"].includes(e.Kind))) roots.push(invoke);
  }
  roots.sort((a, b) => b.Number - a.Number);
  return roots.map((root) => {
    const authorized = root.Kind === "CONNECT" && byInvocation.get(authorizers.get(root.RequestID)) || [];
    const steps = [...authorized, ...(byInvocation.get(root.Invocation) || [root])];
    return { root, steps: steps.toSorted((a, b) => new Date(a.At) - new Date(b.At) || b.Duration - a.Duration) };
  });
}

const open = new Set();
function renderPaths() {
  const kind = $("kind").value;
  const list = paths().filter(({ root }) => !kind || root.Kind === kind).slice(0, 100).map(({ root, steps }) => {
    const d = el("details");
    d.open = open.has(root.Number);
    d.addEventListener("toggle", () => { if (d.open) { open.add(root.Number); if (d.children.length === 1) d.append(...timeline(root, steps)); } else open.delete(root.Number); });
    const s = el("summary");
    s.dataset.number = root.Number;
    s.append(el("span", clock(root.At)), el("span", root.Kind), el("span", what(root), failed(root) ? "bad" : ""), el("span", root.Kind === "INVOKE" ? "" : (root.Function || ""), "dim"), el("span", result(root) || took(root.Duration), failed(root) ? "bad n" : "n"));
    d.append(s);
    if (d.open) d.append(...timeline(root, steps));
    return d;
  });
  const focused = $("path-list").contains(document.activeElement) ? document.activeElement.dataset.number : undefined;
  $("path-list").replaceChildren(...(list.length ? list : [el("p", "No messages yet. Connect a client or invoke a function.", "dim")]));
  if (focused) $("path-list").querySelector(`summary[data-number="${focused}"]`)?.focus();
}
function timeline(root, steps) {
  const start = Math.min(...steps.map((e) => +new Date(e.At)));
  const end = Math.max(...steps.map((e) => +new Date(e.At) + e.Duration / ms), start + 0.001);
  const rows = steps.map((e) => {
    const step = el("div", undefined, "step");
    step.append(el("span", e.Kind + "  " + (e.Kind === root.Kind ? e.Kind === "INVOKE" ? e.Function : (e.Route || "") : what(e)), failed(e) ? "bad" : ""));
    const lane = el("div", undefined, "lane"), bar = el("div", undefined, "bar " + e.Kind);
    bar.style.left = 100 * (new Date(e.At) - start) / (end - start) + "%";
    bar.style.width = Math.min(100, 100 * e.Duration / ms / (end - start)) + "%";
    bar.title = e.Kind + " " + what(e) + ", request " + e.RequestID;
    lane.append(bar);
    const notes = [took(e.Duration)];
    if (e.Init) notes.push("init " + took(e.Init));
    if (result(e)) notes.push(result(e));
    step.append(lane, el("span", notes.filter(Boolean).join(", "), failed(e) ? "bad n" : "n"));
    return step;
  });
  rows.push(el("p", "Request " + root.RequestID + (root.Invocation ? ", invocation " + root.Invocation : "") + (root.ConnectionID ? ", connection " + root.ConnectionID : ""), "dim step"));
  return rows;
}

function renderEvents() {
  fill("event-rows", entries.slice(-100).reverse().map((e) => row(clock(e.At), e.Kind, [what(e), failed(e) ? "bad" : ""], e.Kind === "INVOKE" ? "" : e.Function || "", [took(e.Duration), "n"], [result(e), failed(e) ? "bad" : ""])), 6, "No requests yet.");
}

function renderState(s) {
  $("connection-count").textContent = s.Connections ? s.Connections.length : 0;
  fill("connection-rows", (s.Connections || []).map((c) => row(el("code", c.ID), c.API + "/" + c.Stage, c.SourceIP, since(s.Now, c.ConnectedAt), since(s.Now, c.LastActive), [c.In, "n"], [c.Out, "n"])), 7, "No connections.");
  fill("route-rows", (s.APIs || []).flatMap((a) => (a.Routes || []).map((r) => row(el("code", a.URL), r.Key, r.Function, r.Note))), 4, "The template has no WebSocket API.");
  fill("function-rows", (s.Functions || []).map((f) => {
    const t = f.Stats;
    const instances = (f.Instances || []).map((i) => `${i.State} (pid ${i.PID}, ${i.Invocations}${i.MemoryMB ? ", " + i.MemoryMB + " MB" : ""})`).join("; ");
    return row(f.Name, [f.MemoryMB, "n"], [t.Invocations, "n"], [t.Errors, t.Errors ? "n bad" : "n"], [t.ColdStarts, "n"], [took(t.Invocations ? t.Busy / t.Invocations : 0), "n"], [took(t.ColdStarts ? t.InitTime / t.ColdStarts : 0), "n"], [instances, "wrap"]);
  }), 8, "The template has no functions.");
  // A button that has the focus must not be replaced before it is pressed.
  if (!$("table-rows").contains(document.activeElement)) fill("table-rows", (s.Tables || []).map((t) => {
    const show = el("button", "Show items"); show.type = "button";
    show.addEventListener("click", () => showItems(t.Name));
    return row(t.Name, t.Key, [number(t.Items), "n"], [number(t.Bytes), "n"], (t.Indexes || []).join(", "), t.Stream ? "yes" : "", show);
  }), 7, "No tables.");
  const b = s.Bill;
  $("bill-hint").textContent = `Since ${new Date(b.Since).toLocaleString()}, at the list prices of ${b.Region} on ${b.PricesOf}, without free tiers and without monthly prices (storage, keys).`;
  fill("bill-rows", (b.Lines || []).map((l) => row(l.Service, l.Item, [number(l.Quantity), "n"], l.Unit, [(l.Price * 1e6).toFixed(3), "n"], [l.Cost.toFixed(8), "n"])), 6, "No cost yet.");
  $("bill-total").textContent = b.Total.toFixed(8);
}

async function showItems(table) {
  const answer = await fetch("items?table=" + encodeURIComponent(table));
  $("item-title").textContent = table;
  $("items").textContent = answer.ok ? (await answer.json()).map((i) => JSON.stringify(i)).join("\n") || "The table is empty." : await answer.text();
  $("item-view").hidden = false;
  $("items").focus();
}
$("item-close").addEventListener("click", () => { $("item-view").hidden = true; });
$("kind").addEventListener("change", () => { dirty = true; });

async function poll() {
  try {
    if (!document.hidden) {
      const answer = await fetch("state");
      if (!answer.ok) throw new Error(answer.status);
      const s = await answer.json();
      renderState(s);
      $("status").textContent = "running · " + clock(s.Now);
      $("status").className = "";
    }
  } catch {
    $("status").textContent = "the stack does not answer";
    $("status").className = "bad";
  }
  setTimeout(poll, 1000);
}

let stream;
function listen() {
  stream = new EventSource("events?after=" + (entries.length ? entries[entries.length - 1].Number : 0));
  stream.onmessage = (m) => {
    const e = JSON.parse(m.data);
    if (entries.length && e.Number <= entries[entries.length - 1].Number) entries.length = 0; // the stack was restarted
    entries.push(e);
    if (entries.length > keep) entries.splice(0, entries.length - keep);
    dirty = true;
  };
}
setInterval(() => {
  if (!dirty || document.hidden) return;
  dirty = false;
  renderPaths();
  renderEvents();
}, 300);
listen();
poll();
