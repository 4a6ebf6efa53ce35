// A redraw that a person does not feel: focus, the page's place and each table's own place stay.

const FOCUSABLE = "a, button, summary, [tabindex='0']";
const name = (element) => `${element.tagName} ${element.getAttribute("aria-label") ?? element.textContent}`;
const twins = (main, wanted) => [...main.querySelectorAll(FOCUSABLE)].filter((element) => name(element) === wanted);

function place(main, element) {
  if (!element || element === main || !main.contains(element)) return () => null;
  if (element.id) return () => document.getElementById(element.id);
  const wanted = name(element), at = twins(main, wanted).indexOf(element);
  return () => twins(main, wanted)[at];
}

// Draw anew, and leave a person where they were.
export function keepPlace(main, redraw) {
  const focused = place(main, document.activeElement), top = scrollY;
  const shifted = [...main.querySelectorAll(".scroll")].map((box) => [box.getAttribute("aria-label"), box.scrollLeft]);
  redraw();
  reachable(main);
  focused()?.focus({ preventScroll: true });
  for (const box of main.querySelectorAll(".scroll")) {
    box.scrollLeft = shifted.find(([label]) => label === box.getAttribute("aria-label"))?.[1] ?? 0;
  }
  scrollTo(scrollX, top);
}

// Only what scrolls is a stop for the keyboard.
export function reachable(main) {
  for (const box of main.querySelectorAll(".scroll")) {
    if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
    else box.removeAttribute("tabindex");
  }
}
