// Everything by keyboard; off while somebody types.
import { freshen } from "./held.js";
import { openPalette } from "./palette.js";

const PLACES = { i: "/inbox", p: "/promises", o: "/outbox", g: "/goals", x: "/live", s: "/system", y: "/settings", t: "/try" };
let begun = false;

export function keys() {
  document.addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.target.form?.requestSubmit(); return; }
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); openPalette(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const typing = event.target.closest?.("input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]");
    if (event.key === "Escape") { back(typing); return; }
    // Space presses what has the focus.
    if (event.key === " " && event.target.closest?.("a, button, summary, input")) return;
    if (typing || document.querySelector("dialog[open]") || document.body.dataset.keys === "off") return;
    if (begun) {
      begun = false;
      // What waits at the top comes before the page of that letter.
      if (event.key === "g" && freshen()) return;
      const to = PLACES[event.key];
      if (to && document.querySelector(`a[href="${to}"]`)) location.href = to;
      return;
    }
    const does = {
      g: () => { begun = true; setTimeout(() => { begun = false; }, 1500); },
      "/": () => focus("[data-key='/']") ?? openPalette(),
      "?": () => document.getElementById("keys")?.showModal?.(),
      j: () => step(1), ArrowDown: () => step(1),
      k: () => step(-1), ArrowUp: () => step(-1),
    }[event.key] || pressing(event.key);
    if (does && does() !== false) event.preventDefault();
  });
}

// A control names its own key. In a row it is meant where the focus is; all others are there once.
function pressing(key) {
  const named = `[data-key="${CSS.escape(key)}"]`;
  const near = document.activeElement.closest?.("[data-row]")?.querySelector(named);
  const control = near || [...document.querySelectorAll(named)].filter(control => !control.closest("[data-row]")).at(-1);
  // Why is asked of what was said last, where nothing is chosen.
  const last = control || (key === "w" && [...document.querySelectorAll("#chat " + named)].at(-1));
  return last && (() => (last.matches("textarea, input:not([type=checkbox])") ? last.focus() : last.click()));
}

function focus(selector) {
  const field = document.querySelector(selector);
  field?.focus();
  return field;
}

function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (!rows.length) return false;
  const here = rows.findIndex(row => row.contains(document.activeElement) || row === document.activeElement);
  const start = here < 0 ? rows.findIndex(row => row.hasAttribute("aria-current")) : here;
  const next = rows[Math.min(rows.length - 1, Math.max(0, start + by))];
  (next.matches("a, button") ? next : next.querySelector("a, button, summary"))?.focus();
}

function back(typing) {
  const open = document.querySelector("dialog[open]");
  if (open) return;
  if (typing) { typing.blur(); return; }
  // The innermost comes last.
  [...document.querySelectorAll("[data-escape]")].at(-1)?.click();
}
