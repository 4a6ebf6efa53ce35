// Lists that go on: the newest entries at first, older ones when they are asked for; what is shown is asked for anew.

const FIRST = 20, MORE = 50, PAGE = 100;
const amounts = new Map(); // by list: how many entries are wanted

export const wanted = (key) => amounts.get(key) ?? (key === "models" ? PAGE : FIRST);
export const wantOlder = (key) => amounts.set(key, wanted(key) + MORE);

export async function pages(key, field, ask) {
  let items = [], next;
  do {
    const found = await ask({ limit: Math.min(PAGE, wanted(key) - items.length), next });
    items = [...items, ...(found[field] || [])];
    next = found.next;
  } while (next && items.length < wanted(key));
  return { items, next };
}
