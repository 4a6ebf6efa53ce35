// Which view is shown, how it stays fresh, and how a change is confirmed.

import * as api from "./api.js";
import { h } from "./dom.js";
import { column, verdicts } from "./history.js";
import { open } from "./monitoring.js";
import * as views from "./views.js";

const main = document.getElementById("main");
const dialog = document.getElementById("confirm");
const field = (name) => document.getElementById(`confirm-${name}`);
const CALM_MS = 10_000, BUSY_MS = 2_000, BUCKETS = 8, BUCKET_HOURS = 3, HOUR_MS = 3_600_000;

let drawn = "", timer = 0, turn = 0;

const chosen = () => decodeURIComponent((/^#\/models\/([^/]+)$/.exec(location.hash) || [])[1] || "");

async function load(name) {
  if (!name) return api.models();
  const [model, versions, runs, drift, quality, summary, audit, traffic] = await Promise.all([
    api.about(name), api.about(name, "versions"), api.about(name, "runs"), verdicts(name, "drift"),
    verdicts(name, "quality"), api.about(name, "summary"), api.about(name, "audit"), overTime(name),
  ]);
  const details = Object.fromEntries(await Promise.all([...open].map(async (one) => [one, await column(name, drift, one)])));
  return { model, versions, runs, drift, quality, summary, audit, traffic, details };
}

const past = new Map(); // buckets that are over for an hour do not change any more

async function overTime(name) {
  const now = Math.floor(Date.now() / HOUR_MS), end = now - (now % BUCKET_HOURS) + BUCKET_HOURS;
  return Promise.all(Array.from({ length: BUCKETS }, async (_, at) => {
    const start = end - (BUCKETS - at) * BUCKET_HOURS, key = `${name} ${start}`;
    if (past.has(key)) return past.get(key);
    const moment = (hour) => new Date(hour * HOUR_MS).toISOString();
    const found = await api.about(name, "summary", { from: moment(start), to: moment(start + BUCKET_HOURS - 1) });
    const label = new Date(start * HOUR_MS).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
    const bucket = { label, rows: found.rows, errors: found.errors };
    if (now - start > BUCKET_HOURS + 1) past.set(key, bucket);
    return bucket;
  }));
}

async function refresh({ moved = false } = {}) {
  clearTimeout(timer);
  const mine = ++turn, name = chosen();
  let busy = false;
  try {
    const found = await load(name);
    if (mine !== turn) return;
    busy = found.runs?.runs.some((run) => run.state === "RUNNING" || run.state === "QUEUED") ?? false;
    const text = name + JSON.stringify(found);
    if (text !== drawn) draw(name ? views.model(name, found, actions(name)) : views.list(found));
    drawn = text;
    document.getElementById("freshness").textContent = `as of ${new Date().toLocaleTimeString()}`;
  } catch (error) {
    if (mine !== turn) return;
    drawn = "";
    draw([h("h1", {}, name || "Models"), h("p", { class: "error", role: "alert" }, error.message), h("p", {}, h("a", { href: "#/" }, "All models"))]);
  }
  document.title = name ? `${name} · Modelloop` : "Modelloop";
  if (moved) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  timer = setTimeout(() => (document.hidden || dialog.open ? later() : refresh()), busy ? BUSY_MS : CALM_MS);
}

const later = () => { timer = setTimeout(() => (document.hidden || dialog.open ? later() : refresh()), BUSY_MS); };

function draw(content) {
  const focused = document.activeElement?.id;
  main.replaceChildren(...content.flat(Infinity).filter(Boolean));
  if (focused && focused !== "main") document.getElementById(focused)?.focus();
}

const announce = (text) => { document.getElementById("announcer").textContent = text; };

function actions(name) {
  const act = (action, body, title, text) => {
    field("title").textContent = title;
    field("text").textContent = text;
    field("reason").value = "";
    field("error").textContent = "";
    dialog.onsubmit = async (event) => {
      event.preventDefault();
      field("go").disabled = true;
      try {
        await api.change(name, action, { ...body, reason: field("reason").value.trim() });
        dialog.close();
        announce(`${title}: done`);
        await refresh();
      } catch (error) {
        field("error").textContent = error.message;
      } finally {
        field("go").disabled = false;
      }
    };
    dialog.showModal();
    field("reason").focus();
  };
  act.refresh = () => refresh();
  act.report = async (version) => {
    try {
      location.assign((await api.about(name, `versions/${version}/report`)).url);
    } catch (error) {
      announce(error.message);
      alertInPage(error.message);
    }
  };
  return act;
}

function alertInPage(text) {
  main.prepend(h("p", { class: "error", role: "alert" }, text));
}

field("cancel").addEventListener("click", () => dialog.close());
window.addEventListener("hashchange", () => { drawn = ""; open.clear(); refresh({ moved: true }); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && !dialog.open) refresh(); });
refresh();
