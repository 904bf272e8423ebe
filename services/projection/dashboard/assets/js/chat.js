// A chat: read from its end; earlier messages come as one goes up, later ones are announced while the end isn't in view.
import { endInView, refresh, toEnd } from "./regions.js";
import { counted } from "./words.js";

let seen = "";

export function chat() {
  const log = document.getElementById("chat");
  if (!log) return;
  if (!location.hash) toEnd();
  const reader = new IntersectionObserver(entries => {
    const older = entries.some(entry => entry.isIntersecting) && log.querySelector("[data-older]");
    if (older && scrollY > 0) load(older.href);
  }, { rootMargin: "200px 0px 0px 0px" });
  const watch = () => { reader.disconnect(); const older = log.querySelector("#older"); if (older) reader.observe(older); };
  log.addEventListener("click", event => {
    const older = event.target.closest("[data-older]");
    if (older) { event.preventDefault(); load(older.href); }
  });
  const newer = document.getElementById("newer");
  newer?.addEventListener("click", toEnd);
  document.addEventListener("steward:read", () => { watch(); announce(log, newer); });
  addEventListener("scroll", () => { if (endInView()) announce(log, newer); }, { passive: true });
  watch();
  announce(log, newer);
}

let loading = false;

// More of the same page; what is being read stays where it is.
async function load(url) {
  if (loading) return;
  loading = true;
  const inView = [...document.querySelectorAll("#chat .bubble[id]")].find(bubble => bubble.getBoundingClientRect().bottom > 0);
  const before = inView?.getBoundingClientRect().top;
  history.replaceState(history.state, "", url);
  await refresh();
  if (inView) scrollBy({ top: inView.getBoundingClientRect().top - before });
  loading = false;
}

function announce(log, pill) {
  if (!pill || !log.matches("[data-follow]")) return;
  const all = [...log.querySelectorAll(".bubble[id]:not(.unsent)")];
  if (endInView() || !seen) {
    seen = all.at(-1)?.id || "";
    pill.hidden = true;
    return;
  }
  const unseen = all.length - 1 - all.findIndex(bubble => bubble.id === seen);
  pill.hidden = unseen < 1;
  if (unseen > 0) pill.textContent = counted(pill.dataset.words, unseen);
}
