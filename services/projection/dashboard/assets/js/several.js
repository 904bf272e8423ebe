// Several messages at once: each is answered by itself. And what changed in a text since it was read.
import { counted } from "./words.js";

const picks = () => [...document.querySelectorAll("[data-pick]:checked")];

export function several() {
  const bar = document.getElementById("picked");
  if (!bar) return;
  const show = () => {
    const all = picks();
    bar.hidden = all.length === 0;
    document.getElementById("picked-count").textContent = counted(bar.dataset.words, all.length);
    for (const button of bar.querySelectorAll("[data-each]")) {
      button.hidden = !all.some(pick => form(pick, button.dataset.each));
    }
  };
  document.addEventListener("change", event => { if (event.target.matches("[data-pick]")) show(); });
  document.addEventListener("steward:read", show);
  bar.addEventListener("click", event => {
    const each = event.target.closest("[data-each]")?.dataset.each;
    for (const pick of each ? picks() : []) {
      const own = form(pick, each);
      pick.checked = false;
      if (own) own.requestSubmit();
    }
    if (event.target.closest("[data-none]")) for (const pick of picks()) pick.checked = false;
    show();
  });
  // Refused, since it isn't what was read any more: what is new is marked.
  document.addEventListener("steward:refused", async event => {
    const row = event.target.closest("[data-row]"), text = row?.querySelector("[data-text]");
    if (!text || !event.target.action.endsWith("/approve")) return;
    const before = text.textContent;
    await event.detail.again();
    if (text.isConnected && text.textContent !== before) mark(text, before);
  });
}

const form = (pick, ending) => pick.closest("[data-row]").querySelector(`form[action$="${ending}"]`);

function mark(text, before) {
  const old = before.split(/(\s+)/), now = text.textContent.split(/(\s+)/);
  let start = 0, end = 0;
  while (start < now.length && now[start] === old[start]) start++;
  while (end < now.length - start && end < old.length - start && now.at(-1 - end) === old.at(-1 - end)) end++;
  const fresh = Object.assign(document.createElement("mark"), { textContent: now.slice(start, now.length - end).join("") });
  text.replaceChildren(now.slice(0, start).join(""), fresh, now.slice(now.length - end).join(""));
  const said = Object.assign(document.createElement("p"), { className: "small", textContent: document.getElementById("outbox").dataset.changed });
  said.dataset.stay = "";
  said.setAttribute("role", "status");
  text.after(said);
}
