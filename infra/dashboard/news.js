// What changed since the page was drawn last, in words for the live region.

const ENDED = new Set(["SUCCEEDED", "REJECTED", "FAILED", "SUPERSEDED"]);
const plain = (text) => String(text).replaceAll("_", " ").toLowerCase();

function ofModel(before, now) {
  const told = ["drift", "quality"].filter((kind) => now[kind] && before[kind]?.status !== now[kind].status)
    .map((kind) => `${kind}: ${plain(now[kind].status)}`);
  if (ENDED.has(now.run?.state) && before.run?.run_id === now.run.run_id && before.run.state !== now.run.state) {
    told.push(`run by ${now.run.cause} ${plain(now.run.state)}`);
  }
  return told.map((text) => `${now.name}, ${text}`);
}

export const modelsOf = (found) => found.models?.value.items ?? [found.model.value];

const errors = (found) => Object.entries(found).filter(([topic, part]) => topic !== "details" && part.error)
  .map(([topic, part]) => `${topic} could not be had: ${part.error}`);

export function news(before, now) {
  const known = new Map(modelsOf(before).map((model) => [model.name, model])), old = new Set(errors(before));
  const moved = modelsOf(now).flatMap((model) => (known.has(model.name) ? ofModel(known.get(model.name), model) : []));
  return [...moved, ...errors(now).filter((text) => !old.has(text))].join("; ");
}
