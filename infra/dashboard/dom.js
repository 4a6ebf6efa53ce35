// Elements made from data. Text is always text, never markup.

export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function time(text) {
  if (!text) return "–";
  const moment = new Date(text);
  const year = moment.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  const shown = moment.toLocaleString(undefined, { year, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  return h("time", { datetime: text, title: moment.toISOString() }, shown);
}

const NAMES = { drift: "drifted", insufficient_data: "not enough data", hold: "waiting", rollback: "rolled back", promote: "promoted" };
const TONES = {
  ok: "good", watch: "warn", waiting: "warn", frozen: "warn", degraded: "bad", SUCCEEDED: "good", champion: "good", RUNNING: "warn", QUEUED: "warn", insufficient_data: "warn",
  passed: "good", SUPERSEDED: "warn", REJECTED: "warn", challenger: "warn", drift: "bad", data_fault: "bad", FAILED: "bad", worse: "bad",
};

// What a state of the API is called on the page.
export const stateName = (state) => NAMES[state] ?? String(state).replaceAll("_", " ").toLowerCase();

export const badge = (state, text = stateName(state)) => h("span", { class: `badge ${TONES[state] || "muted"}` }, text);

// "1 row", "2 rows"
export const counted = (count, noun, format = String) => `${format(count)} ${noun}${count === 1 ? "" : "s"}`;

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
  const element = h("table", role("table"), h("caption", {}, caption), h("thead", role("rowgroup"), h("tr", role("row"), head)), h("tbody", role("rowgroup"), body));
  return h("div", { class: stacked ? "scroll stacked" : "scroll", role: "group", "aria-label": caption }, element);
}

export const reasons = (verdict) => (verdict.reasons?.length ? h("ul", {}, verdict.reasons.map((reason) => h("li", {}, reason))) : null);

export const facts = (pairs) => h("dl", { class: "facts" }, pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

export const card = (title, ...children) => h("section", { class: "card", "aria-label": title }, h("h2", {}, title), children);

// The card of a part that was loaded: its last value, and why there is no newer one.
export function partCard(title, { value, error, at }, draw) {
  const since = at ? `Shown as of ${new Date(at).toLocaleTimeString()}. Loading it again failed: ` : "It could not be loaded: ";
  const failure = error && h("p", { class: "error" }, since + error);
  return value ? draw(value, failure) : card(title, failure);
}

const unfolded = new Set(); // what is unfolded stays so when the page is drawn again

export function fold(id, content, ...title) {
  const element = h("details", { id: `table-${id}`, open: unfolded.has(id), ontoggle: () => (element.open ? unfolded.add(id) : unfolded.delete(id)) },
    h("summary", { id: `figures-${id}` }, title), content);
  return element;
}
