// What was shown of each conversation in this browser: the rows of those with something newer are marked.
const NAME = "steward.read";
const MOST = 2000;

function kept() {
  try { return JSON.parse(localStorage.getItem(NAME)) || {}; } catch { return {}; }
}

export function unread() {
  look();
  document.addEventListener("steward:read", look);
  document.addEventListener("visibilitychange", look);
  addEventListener("storage", event => { if (event.key === NAME) mark(kept()); });
}

function look() {
  const read = kept();
  const position = Number(document.body.dataset.position) || 0;
  // What was there before this browser looked for the first time isn't news.
  read.since ??= position;
  read.seen ??= {};
  const shown = document.querySelector("[data-conversation][data-follow]")?.dataset.conversation;
  if (shown && document.visibilityState === "visible") {
    delete read.seen[shown];
    read.seen[shown] = position;
  }
  const names = Object.keys(read.seen);
  for (const name of names.slice(0, Math.max(0, names.length - MOST))) delete read.seen[name];
  try { localStorage.setItem(NAME, JSON.stringify(read)); } catch { /* a private window keeps nothing */ }
  mark(read);
}

function mark(read) {
  for (const row of document.querySelectorAll("#rows [data-latest]")) {
    const isNew = Number(row.dataset.latest) > (read.seen?.[row.id.slice(1)] ?? read.since ?? 0);
    row.classList.toggle("unread", isNew);
    row.querySelector(".dot").hidden = !isNew;
  }
}
