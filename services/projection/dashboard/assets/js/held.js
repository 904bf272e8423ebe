// Lists whose order waits while somebody points into them or stands in them: a pill says how much has come.
import { morph } from "./morph.js";
import { counted } from "./words.js";

let waiting = null;

const busy = rows => rows.contains(document.activeElement) || matchMedia("(hover: hover)").matches && rows.matches(":hover");
const ids = rows => [...rows.querySelectorAll(":scope > [data-row]")].map(row => row.id);

export function held() {
  document.addEventListener("click", event => {
    if (event.target.closest("[data-words]") && waiting && event.target.id === waiting.region.dataset.hold) freshen();
  });
  for (const kind of ["pointerout", "focusout"]) {
    // Where focus goes is known when it is there.
    document.addEventListener(kind, () => setTimeout(() => { if (waiting && !busy(waiting.region)) show(); }));
  }
}

// Whether a region waits for its new order. What its rows say is shown at once.
export function holds(region, other) {
  if (region.dataset.hold === undefined) return false;
  const now = ids(region), then = ids(other);
  if (!busy(region) || now.join() === then.join()) { settle(region); return false; }
  waiting = { region, other: other.cloneNode(true) };
  for (const row of other.querySelectorAll(":scope > [data-row]")) {
    const same = document.getElementById(row.id);
    if (same) morph(same, row);
  }
  const first = now.find(id => then.includes(id));
  const fresh = document.getElementById(region.dataset.hold);
  fresh.hidden = false;
  fresh.textContent = counted(fresh.dataset.words, Math.max(1, then.indexOf(first)));
  return true;
}

function settle(region) {
  waiting = null;
  document.getElementById(region.dataset.hold).hidden = true;
}

function show() {
  const { region, other } = waiting;
  settle(region);
  morph(region, other);
  document.dispatchEvent(new Event("steward:read"));
}

// To the top, if something waits there.
export function freshen() {
  if (!waiting) return false;
  show();
  const list = document.getElementById("list");
  list?.scrollTo({ top: 0 });
  scrollTo({ top: 0 });
  return true;
}
