// A redraw leaves a person where they are: the focus, the page's scroll position and each table's own stay.

const FOCUSABLE = "a, button, summary, [tabindex='0']";
const nameOf = (element) => `${element.tagName} ${element.getAttribute("aria-label") ?? element.textContent}`;
const allNamed = (main, name) => [...main.querySelectorAll(FOCUSABLE)].filter((element) => nameOf(element) === name);

// A function that returns the element that stands for this one after a redraw.
function successorOf(main, element) {
  if (!element || element === main || !main.contains(element)) return () => null;
  if (element.id) return () => document.getElementById(element.id);
  const name = nameOf(element), at = allNamed(main, name).indexOf(element);
  return () => allNamed(main, name)[at];
}

export function preserveFocus(main, redraw) {
  const focused = successorOf(main, document.activeElement), top = scrollY;
  const positions = [...main.querySelectorAll(".scroll")].map((box) => [box.getAttribute("aria-label"), box.scrollLeft]);
  redraw();
  updateTabStops(main);
  focused()?.focus({ preventScroll: true });
  for (const box of main.querySelectorAll(".scroll")) {
    box.scrollLeft = positions.find(([label]) => label === box.getAttribute("aria-label"))?.[1] ?? 0;
  }
  scrollTo(scrollX, top);
}

// A table is a stop for the keyboard only while it scrolls.
export function updateTabStops(main) {
  for (const box of main.querySelectorAll(".scroll")) {
    if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
    else box.removeAttribute("tabindex");
  }
}
