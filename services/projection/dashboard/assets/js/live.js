// The live log: held while Space says so, older events as one goes down, and no more rows than are of use.
import { morph } from "./morph.js";
import { counted } from "./words.js";

const KEPT = 500;
let held = 0, waiting = null, loading = false;

const events = () => document.getElementById("events");

export function live() {
  const hold = document.getElementById("hold");
  document.addEventListener("change", event => {
    const form = event.target.form;
    if (!form?.matches("[data-auto]") || form.dataset.auto === "choices" && !event.target.matches("select")) return;
    if (event.target.dataset.turns) form.elements[event.target.dataset.turns].value = event.target.checked ? "" : "1";
    form.requestSubmit();
  });
  if (!events() || !hold) return;
  hold.addEventListener("click", () => {
    if (held) go(hold);
    else {
      held = Number(document.body.dataset.position) || 1;
      hold.setAttribute("aria-pressed", "true");
      say(hold, 0);
    }
  });
  // What the newest push out goes on standing where the older ones are.
  new MutationObserver(changes => {
    const gone = changes.flatMap(change => [...change.removedNodes]).filter(node => node.id && node.matches?.("[data-row]"));
    const lost = gone.filter(node => !document.getElementById(node.id));
    document.getElementById("older-events").prepend(...lost);
    prune();
  }).observe(events(), { childList: true });
  document.addEventListener("steward:read", prune);
  const reader = new IntersectionObserver(seen => { if (seen.some(one => one.isIntersecting)) more(); }, { rootMargin: "300px" });
  reader.observe(document.getElementById("older"));
}

// Whether a region waits since the stream is held.
export function pauses(region, other) {
  if (!held || region.dataset.pause === undefined) return false;
  waiting = other.cloneNode(true);
  const fresh = [...waiting.querySelectorAll("[data-position]")].filter(step => Number(step.dataset.position) > held);
  say(document.getElementById("hold"), fresh.length);
  return true;
}

function say(hold, n) {
  document.getElementById("holding").textContent = counted(hold.dataset.words, n);
}

function go(hold) {
  held = 0;
  hold.setAttribute("aria-pressed", "false");
  document.getElementById("holding").textContent = "";
  if (waiting) morph(events(), waiting);
  waiting = null;
}

const rows = () => document.querySelectorAll(".events > [data-row]").length;

async function more() {
  const link = document.querySelector("#older a"), list = document.getElementById("older-events");
  // With so many in view the link leads to a page of its own.
  if (!link || loading || rows() >= KEPT) return;
  loading = true;
  try {
    const answer = await fetch(link.href, { cache: "no-store" });
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const row of next.querySelectorAll("#events > [data-row]")) {
      // Of a group that stands there already these are earlier steps.
      if (document.getElementById(row.id)) row.id += "-" + row.querySelector("[data-position]").dataset.position;
      list.append(row);
    }
    document.getElementById("older").replaceChildren(...next.getElementById("older").childNodes);
    prune();
  } catch { /* the line says that there is no connection */ } finally {
    loading = false;
  }
}

function prune() {
  const older = document.getElementById("older-events");
  // A group to which something was added stands above again.
  const above = new Set([...events().querySelectorAll("[data-position]")].map(step => step.dataset.position));
  for (const step of older.querySelectorAll("[data-position]")) {
    // Nor twice below, where what was pushed down meets what was read.
    if (above.has(step.dataset.position)) step.remove();
    above.add(step.dataset.position);
  }
  for (const row of [...older.children]) if (!row.querySelector("[data-position]")) row.remove();
  while (rows() > KEPT && older.lastElementChild && older.lastElementChild.getBoundingClientRect().top > innerHeight) {
    older.lastElementChild.remove();
  }
}
