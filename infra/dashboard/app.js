// Which view is shown, how it stays fresh, and what its buttons do.

import * as api from "./api.js";
import { width } from "./charts.js";
import { confirm, isOpen } from "./dialog.js";
import { h } from "./dom.js";
import { keepPlace, reachable } from "./keep.js";
import { wantOlder } from "./lists.js";
import { open } from "./monitoring.js";
import { modelsOf, news } from "./news.js";
import { loadList, loadModel } from "./parts.js";
import * as views from "./views.js";

const main = document.getElementById("main");
const CALM_MS = 10_000, BUSY_MS = 2_000;

let drawn = null, timer = 0, turn = 0; // drawn: { name, found, text, failed }

// The model that the address names: "" for the list, null when it names nothing.
function chosen() {
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
  const mine = ++turn, name = chosen();
  let busy = false;
  try {
    if (name === null) throw new Error("this address names no model");
    const found = await (name ? loadModel(name, { columns: open, force }) : loadList(force));
    if (mine !== turn) return;
    busy = modelsOf(found).some((model) => ["RUNNING", "QUEUED"].includes(model.run?.state));
    show(name, found);
  } catch (error) {
    if (mine !== turn) return;
    fail(name, error);
  }
  document.title = name ? `${name} · Modelloop` : "Modelloop";
  if (moved) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  schedule(busy ? BUSY_MS : CALM_MS);
}

function show(name, found) {
  const parts = Object.entries(found).filter(([topic]) => topic !== "details").map(([, part]) => part);
  const text = JSON.stringify([name, width(), found.details, parts.map(({ value, error, at }) => [value, error, error && at])]);
  if (text !== drawn?.text) {
    draw(name ? views.model(name, found, actions(name)) : views.list(found.models, actions("")));
    if (drawn?.name === name && drawn.found) announce(news(drawn.found, found));
  }
  drawn = { name, found, text };
  if (parts.every((part) => !part.error)) document.getElementById("freshness").textContent = `as of ${new Date().toLocaleTimeString()}`;
}

function fail(name, error) {
  if (drawn?.failed === error.message && drawn.name === name) return;
  draw([h("h1", {}, name || "Models"), h("p", { class: "error" }, error.message), h("p", {}, h("a", { href: "#/" }, "All models"))]);
  announce(error.message);
  drawn = { name, failed: error.message };
}

// Nothing is asked for while nobody looks.
function schedule(wait) {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(() => (isOpen() ? schedule(BUSY_MS) : refresh()), wait);
}

function draw(content) {
  const redraw = () => main.replaceChildren(...content.flat(Infinity).filter(Boolean));
  if (drawn) return keepPlace(main, redraw);
  redraw(); // another view begins at its top
  reachable(main);
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
      location.assign((await api.about(name, `versions/${version}/report`)).url);
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
  drawn = null;
  open.clear();
  refresh({ moved: true });
});
window.addEventListener("resize", () => {
  if (drawn?.found) show(drawn.name, drawn.found); // charts are drawn to the width
  reachable(main);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else if (!isOpen()) refresh();
});
refresh();
