// Live parts of a page: an event that names one makes it be read again, and its answer is morphed in.
import { morph } from "./morph.js";
import { holds } from "./held.js";
import { pauses } from "./live.js";

const TOGETHER = 100;
let timer = null, began = 0, wanted = 0, reading = null, again = false, own = false;

// Figures that no event tells of are read again from time to time, while somebody looks.
export function figures() {
  const every = Math.min(...[...document.querySelectorAll("[data-every]")].map(region => Number(region.dataset.every)));
  if (Number.isFinite(every)) setInterval(() => { if (document.visibilityState === "visible") refresh(); }, every);
}

// An event's names: of its conversation, and of everything.
function named(data) {
  return ["all", data.conversation_id && "conversation:" + data.conversation_id, (data.contact || data.goal || data.milestone || data.fact) && "contacts"].filter(Boolean);
}

export function whenChanged(data) {
  const names = named(data);
  const concerned = [...document.querySelectorAll("[data-on]")].some(region => {
    return region.dataset.on.split(" ").some(name => names.includes(name));
  });
  if (!concerned) return;
  wanted = Math.max(wanted, data.position || 0);
  // The first is read at once; what comes close behind it is read together.
  timer ??= setTimeout(() => { timer = null; refresh(wanted); }, Math.max(0, began + TOGETHER - performance.now()));
}

// Reads the page again as it is at this position or later, and morphs its regions. One reading at a time; the promise is
// kept when the last one asked for is done. `mine`: what changed is what the person here did.
export function refresh(position = 0, mine = false) {
  wanted = Math.max(wanted, position);
  own ||= mine;
  if (reading) { again = true; return reading; }
  const all = async () => { do { again = false; await read(); } while (again); };
  reading = all().finally(() => { reading = null; });
  return reading;
}

async function read() {
  began = performance.now();
  try {
    const headers = wanted ? { "Steward-After": String(wanted) } : {};
    const mine = own;
    own = false;
    const answer = await fetch(location.href, { headers, cache: "no-cache" });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const follows = endInView();
    for (const region of document.querySelectorAll("[data-region]")) {
      const other = next.getElementById(region.id);
      if (other && !pauses(region, other) && (mine || !holds(region, other))) morph(region, other);
    }
    const mark = document.querySelector("link[rel=icon]"), now = next.querySelector("link[rel=icon]").getAttribute("href");
    if (mark.getAttribute("href") !== now) mark.setAttribute("href", now);
    document.title = next.title;
    document.body.dataset.position = next.body.dataset.position;
    if (follows) toEnd();
    document.dispatchEvent(new Event("steward:read"));
  } catch {
    // The line says that there is no connection; all is read again when it is back.
  }
}

// What is followed ends where the part that it stands in ends: on a narrow screen more comes below.
const followed = () => document.querySelector("[data-follow]")?.parentElement;

export function endInView() {
  const part = followed();
  return Boolean(part) && part.getBoundingClientRect().bottom < innerHeight + 80;
}

export function toEnd() {
  const part = followed();
  if (part) scrollBy({ top: part.getBoundingClientRect().bottom - innerHeight });
}
