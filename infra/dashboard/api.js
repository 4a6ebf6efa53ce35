// The API, through the proxy that serves this page. Every address is relative to the page.

const ROOT = new URL("../", document.baseURI);
const PATIENCE_MS = 35_000;

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(new URL(path, ROOT), { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    throw new Error(error.name === "TimeoutError" ? `no answer came within ${PATIENCE_MS / 1000} seconds`
      : "the proxy does not answer: is `modelloop dashboard` still running?");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.error || found.message || `the API answered ${answer.status}`);
  return found;
}

const part = encodeURIComponent;

function address(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

export const models = (query = {}) => ask(address("models", query));

export const about = (model, topic = "", query = {}) => ask(address(`models/${part(model)}${topic && "/" + topic}`, query));

export function change(model, action, body) {
  return ask(`models/${part(model)}/${action}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}
