// Charts as SVG: shares of rows by bin, and counts over time. Each has its figures as text too.

import { figures, h, number, table } from "./dom.js";

const HEIGHT = 210, FOOT = 26, TOP = 10, LEFT = 44, LETTER = 6.5;
const narrow = matchMedia("(max-width: 40rem)"); // as in the style: cards have less of a margin then

// What a card has room for: charts are drawn to it, so that their letters keep their size.
export const width = () => Math.max(240, document.getElementById("main").clientWidth - (narrow.matches ? 50 : 82));

export function distributions(name, id, bins) {
  const before = shares(bins.baseline), now = shares(bins.window), top = Math.max(...before, ...now, 0.01);
  const { svg, step, down } = frame(bins.labels.length, top, percent,
    `Shares of rows of ${name} by bin, training against live; the table below has the figures`);
  const bar = Math.max(1, step * 0.4), every = Math.ceil(((lettersOf(bins.labels) + 1) * LETTER) / step);
  const names = shortened(bins.labels, (step * every) / LETTER - 1);
  const rect = (kind, share, x, text) =>
    h("rect", { class: kind, x, y: down(share), width: bar, height: HEIGHT - FOOT - down(share) }, h("title", {}, text));
  svg.append(...bins.labels.flatMap((label, at) => [
    rect("baseline", before[at], LEFT + at * step + step * 0.1, `${label}: ${percent(before[at])} in training`),
    rect("live", now[at], LEFT + at * step + step * 0.1 + bar, `${label}: ${percent(now[at])} live`),
    at % every === 0 && h("text", { x: LEFT + at * step + step / 2, y: HEIGHT - 8, "text-anchor": "middle" }, names[at]),
  ]).filter(Boolean));
  const rows = bins.labels.map((label, at) => [String(label), percent(before[at]), percent(now[at])]);
  return h("figure", {},
    h("p", { class: "legend" }, h("span", { class: "baseline" }, "training"), h("span", { class: "live" }, "live")),
    svg, figures(`bins-${id}`, table(`Bins of ${name}`, [["bin", ""], ["training", "number"], ["live", "number"]], rows)));
}

export function traffic(hours) {
  const told = hours.filter((hour) => hour.rows).map((hour) => `${hour.label}: ${hour.rows}`).join(", ");
  const { svg, step, down } = frame(hours.length, Math.max(...hours.map((hour) => hour.rows), 1), brief, `Rows predicted by hour: ${told}`);
  const every = Math.ceil(60 / step);
  svg.append(...hours.flatMap((hour, at) => [
    h("rect", { class: "baseline", x: LEFT + at * step + step * 0.1, y: down(hour.rows), width: step * 0.8, height: HEIGHT - FOOT - down(hour.rows) },
      h("title", {}, `${hour.label}: ${number(hour.rows)} rows, ${number(hour.errors)} errors`)),
    at % every === 0 && h("text", { x: LEFT + at * step + step / 2, y: HEIGHT - 8, "text-anchor": "middle" }, hour.label),
  ]).filter(Boolean));
  const rows = hours.map((hour) => [hour.label, number(hour.rows), number(hour.errors)]);
  return h("figure", {}, svg, figures("traffic", table("Rows by hour", [["from", ""], ["rows", "number"], ["errors", "number"]], rows)));
}

// Axes for as many steps, up to `top`; `down` says how far down a value lies.
function frame(steps, top, told, label) {
  const right = width(), down = (value) => TOP + (1 - value / top) * (HEIGHT - FOOT - TOP);
  const ticks = [0, top / 2, top].map((value) => [
    h("line", { class: "axis", x1: LEFT, x2: right, y1: down(value), y2: down(value) }),
    h("text", { x: LEFT - 6, y: down(value) + 4, "text-anchor": "end" }, told(value)),
  ]);
  const svg = h("svg", { class: "chart", width: right, viewBox: `0 0 ${right} ${HEIGHT}`, role: "img", "aria-label": label }, ticks);
  return { svg, step: (right - LEFT) / steps, down };
}

function shares(counts) {
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  return counts.map((count) => count / total);
}

// How many letters of a label are to be seen: all of a number's, ten of a name's.
const lettersOf = (labels) => Math.min(10, Math.max(...labels.map((label) => String(label).length)));

// Labels that fit; where their beginnings are all that would be left, what they have in common goes first.
function shortened(labels, room) {
  const texts = labels.map(String), cut = (text) => (text.length > room ? `${text.slice(0, Math.max(1, Math.floor(room) - 1))}…` : text);
  if (new Set(texts.map(cut)).size === new Set(texts).size) return texts.map(cut);
  const head = alike(texts, (text, at) => text[at]), tail = alike(texts.map((text) => text.slice(head)), (text, at) => text.at(-1 - at));
  return texts.map((text) => (text.length > room ? cut(`…${text.slice(head, text.length - tail)}${tail ? "…" : ""}`) : text));
}

function alike(texts, letter) {
  const least = Math.min(...texts.map((text) => text.length));
  let at = 0;
  while (at < least && texts.every((text) => letter(text, at) === letter(texts[0], at))) at += 1;
  return at;
}

const percent = (share) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
const brief = (value) => value.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 3 });
