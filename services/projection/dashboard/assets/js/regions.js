// Live parts of a page: an event that names one makes it be read again, and its answer is morphed in.
import { morph } from "./morph.js";

const TOGETHER = 100;
let timer = null, began = 0, wanted = 0, running = false, waiting = false;

// An event's names: of its conversation, and of everything.
function named(data) {
  return ["all", data.conversation_id && "conversation:" + data.conversation_id, data.contact && "contacts"].filter(Boolean);
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

// Reads the page again as it is at this position or later, and morphs its regions. One reading at a time.
export async function refresh(position = 0) {
  wanted = Math.max(wanted, position);
  if (running) { waiting = true; return; }
  running = true;
  began = performance.now();
  try {
    const headers = wanted ? { "Steward-After": String(wanted) } : {};
    const answer = await fetch(location.href, { headers, cache: "no-store" });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const atEnd = innerHeight + scrollY > document.body.scrollHeight - 80;
    for (const region of document.querySelectorAll("[data-region]")) {
      const other = next.getElementById(region.id);
      if (other) morph(region, other);
    }
    document.title = next.title;
    document.body.dataset.position = next.body.dataset.position;
    if (atEnd && document.querySelector("[data-follow]")) scrollTo({ top: document.body.scrollHeight });
    document.dispatchEvent(new Event("steward:read"));
  } catch {
    // The line says that there is no connection; all is read again when it is back.
  } finally {
    running = false;
    if (waiting) { waiting = false; refresh(wanted); }
  }
}
