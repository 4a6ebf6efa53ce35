// Which view is shown, how it stays fresh, and what its buttons do.

import * as announcements from "./announcements.js";
import * as api from "./api.js";
import { updateCharts } from "./charts.js";
import { confirm, isOpen } from "./dialog.js";
import { h } from "./dom.js";
import { openColumns } from "./drift.js";
import { loadList, loadModel, wantOlder } from "./loading.js";
import { preserveFocus, updateTabStops } from "./preserve_focus.js";
import * as views from "./views.js";

const main = document.getElementById("main");
const IDLE_MS = 10_000, BUSY_MS = 2_000; // between two refreshes; busy: while a run is under way

let shown = null; // the view: { name, parts, text } or { name, failure }
let timer = 0, latestRefresh = 0;

// The model that the address names: "" for the list, null when it names nothing.
function addressedModel() {
  const [, name] = /^#\/models\/([^/]+)$/.exec(location.hash) || [];
  if (!name) return ["", "#", "#/"].includes(location.hash) ? "" : null;
  try {
    return decodeURIComponent(name);
  } catch {
    return null;
  }
}

async function refresh({ moved = false, force = false } = {}) {
  clearTimeout(timer);
  const turn = ++latestRefresh, name = addressedModel();
  let busy = false;
  try {
    if (name === null) throw new Error("there is no page at this address");
    const parts = await (name ? loadModel(name, { columns: openColumns, force }) : loadList(force));
    if (turn !== latestRefresh) return;
    busy = announcements.modelsOf(parts).some((model) => ["RUNNING", "QUEUED"].includes(model.run?.state));
    show(name, parts);
  } catch (error) {
    if (turn !== latestRefresh) return;
    showFailure(name, error);
  }
  document.title = name ? `${name} · Modelloop` : "Modelloop";
  if (moved) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  schedule(busy ? BUSY_MS : IDLE_MS);
}

function show(name, parts) {
  const loaded = Object.entries(parts).filter(([topic]) => topic !== "details").map(([, part]) => part);
  const text = JSON.stringify([name, parts.details, loaded.map(({ value, error, at }) => [value, error, error && at])]);
  if (text !== shown?.text) {
    draw(name ? views.model(name, parts, actions(name)) : views.list(parts.models, actions("")));
    if (shown?.name === name && shown.parts) announce(announcements.changes(shown.parts, parts));
  }
  shown = { name, parts, text };
  if (loaded.every((part) => !part.error)) {
    document.getElementById("freshness").textContent = `updated at ${new Date().toLocaleTimeString()}`;
  }
}

function showFailure(name, error) {
  if (shown?.failure === error.message && shown.name === name) return;
  draw([h("h1", {}, name || "Models"), h("p", { class: "error" }, error.message), h("p", {}, h("a", { href: "#/" }, "All models"))]);
  announce(error.message);
  shown = { name, failure: error.message };
}

// A hidden page asks for nothing.
function schedule(wait) {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(() => (isOpen() ? schedule(BUSY_MS) : refresh()), wait);
}

function draw(content) {
  const redraw = () => {
    main.replaceChildren(...content.flat(Infinity).filter(Boolean));
    updateCharts();
  };
  if (shown) return preserveFocus(main, redraw);
  redraw(); // another view begins at its top
  updateTabStops(main);
}

function announce(text) {
  if (text) document.getElementById("announcer").textContent = text;
}

function actions(name) {
  const act = (action, body, title, text) => confirm(title, text, (reason) => api.change(name, action, { ...body, reason }), () => {
    announce(`${title}: done`);
    refresh({ force: true });
  });
  act.refresh = () => refresh();
  act.older = (key) => {
    wantOlder(key);
    refresh();
  };
  act.report = async (version) => {
    try {
      location.assign((await api.getModel(name, `versions/${version}/report`)).url);
    } catch (error) {
      announce(error.message);
      main.prepend(h("p", { class: "error" }, error.message));
    }
  };
  return act;
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // its address would name no view
  main.focus();
});
window.addEventListener("hashchange", () => {
  shown = null;
  openColumns.clear();
  refresh({ moved: true });
});
window.addEventListener("resize", () => updateTabStops(main));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else if (!isOpen()) refresh();
});
refresh();
