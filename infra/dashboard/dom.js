// Elements made from data: text is always text, never markup.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "rect", "line", "text", "title", "path", "polygon", "circle"]);

export function h(name, attributes = {}, ...children) {
  const element = DRAWN.has(name) ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function number(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return Math.abs(value) < 1e-4 ? value.toExponential(1) : Number(value.toPrecision(digits)).toString();
}

export function time(text) {
  if (!text) return "–";
  const moment = new Date(text);
  const shown = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return h("time", { datetime: text, title: moment.toISOString() }, shown);
}

const TONES = {
  ok: "good", degraded: "bad", SUCCEEDED: "good", champion: "good", RUNNING: "warn", QUEUED: "warn", insufficient_data: "warn",
  SUPERSEDED: "warn", REJECTED: "warn", challenger: "warn", drift: "bad", data_fault: "bad", FAILED: "bad", worse: "bad",
};

export const badge = (text) => h("span", { class: `badge ${TONES[text] || "muted"}` }, String(text).replaceAll("_", " "));

export function table(caption, columns, rows) {
  const head = columns.map(([name, kind]) => h("th", { scope: "col", class: kind }, name));
  const body = rows.map((cells) => {
    if (!Array.isArray(cells)) return cells;
    const [first, ...rest] = cells;
    return h("tr", {}, h("th", { scope: "row" }, first), rest.map((cell, at) => h("td", { class: columns[at + 1][1] }, cell)));
  });
  const drawn = h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, drawn);
}

export const facts = (pairs) => h("dl", { class: "facts" }, pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

export const card = (title, ...children) => h("section", { class: "card", "aria-label": title }, h("h2", {}, title), children);

const unfolded = new Set(); // figures that are shown stay so when the page is drawn anew

export function figures(id, content) {
  const fold = h("details", { open: unfolded.has(id), ontoggle: () => (fold.open ? unfolded.add(id) : unfolded.delete(id)) },
    h("summary", { id: `figures-${id}` }, "Figures"), content);
  return fold;
}
