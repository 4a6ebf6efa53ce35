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
  const year = moment.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  const shown = moment.toLocaleString(undefined, { year, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  return h("time", { datetime: text, title: moment.toISOString() }, shown);
}

const TONES = {
  ok: "good", watch: "warn", waiting: "warn", frozen: "warn", degraded: "bad", SUCCEEDED: "good", champion: "good", RUNNING: "warn", QUEUED: "warn", insufficient_data: "warn",
  passed: "good", SUPERSEDED: "warn", REJECTED: "warn", challenger: "warn", drift: "bad", data_fault: "bad", FAILED: "bad", worse: "bad",
};

export const badge = (state, text = state) => h("span", { class: `badge ${TONES[state] || "muted"}` }, String(text).replaceAll("_", " "));

// A table that is stacked becomes a list of cards on a phone; its roles say that it is a table even then.
export function table(caption, columns, rows, { stacked = false } = {}) {
  const role = (name) => (stacked ? { role: name } : {});
  const head = columns.map(([name, kind]) => h("th", { scope: "col", class: kind, ...role("columnheader") }, name));
  const body = rows.map((cells) => {
    if (!Array.isArray(cells)) return cells;
    const [first, ...rest] = cells;
    return h("tr", role("row"), h("th", { scope: "row", ...role("rowheader") }, first), rest.map((cell, at) =>
      h("td", { class: columns[at + 1][1], "data-label": columns[at + 1][0], ...role("cell") }, cell)));
  });
  const drawn = h("table", role("table"), h("caption", {}, caption), h("thead", role("rowgroup"), h("tr", role("row"), head)), h("tbody", role("rowgroup"), body));
  return h("div", { class: stacked ? "scroll stacked" : "scroll", role: "group", "aria-label": caption }, drawn);
}

export const reasons = (found) => (found.reasons?.length ? h("ul", {}, found.reasons.map((reason) => h("li", {}, reason))) : null);

export const facts = (pairs) => h("dl", { class: "facts" }, pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

export const card = (title, ...children) => h("section", { class: "card", "aria-label": title }, h("h2", {}, title), children);

// A part's card: what it had last, and why there is nothing newer.
export function part(title, { value, error, at }, draw) {
  const told = at ? `as of ${new Date(at).toLocaleTimeString()}; since then it could not be had: ` : "it could not be had: ";
  const stale = error && h("p", { class: "error" }, told + error);
  return value ? draw(value, stale) : card(title, stale);
}

const unfolded = new Set(); // figures that are shown stay so when the page is drawn anew

export function figures(id, content, title = "Figures") {
  const fold = h("details", { open: unfolded.has(id), ontoggle: () => (fold.open ? unfolded.add(id) : unfolded.delete(id)) },
    h("summary", { id: `figures-${id}` }, title), content);
  return fold;
}
