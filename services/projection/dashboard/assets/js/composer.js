// The composer: keeps a draft for each conversation, grows, and shows what words of time mean while they are typed.
const WAIT = 200;

export function composer() {
  for (const field of document.querySelectorAll("[data-draft]")) draft(field);
  document.addEventListener("input", event => {
    if (event.target.matches("[data-when]")) preview(event.target);
  });
  document.addEventListener("click", event => {
    const offer = event.target.closest("[data-say]");
    const field = offer && offer.closest("form")?.querySelector("[data-when]");
    if (field) { field.value = offer.dataset.say; preview(field); }
    const reading = event.target.closest("[data-at]");
    const exact = reading && reading.closest("form")?.querySelector("[name='due_at']");
    if (exact) {
      exact.value = reading.dataset.at;
      for (const other of reading.parentElement.children) other.setAttribute("aria-pressed", String(other === reading));
    }
  });
}

function draft(field) {
  const name = "steward.draft." + field.dataset.draft;
  const grow = () => { field.style.height = "auto"; field.style.height = Math.min(field.scrollHeight + 2, 192) + "px"; };
  try { field.value ||= sessionStorage.getItem(name) || ""; } catch { /* a private window keeps nothing */ }
  field.addEventListener("input", () => {
    grow();
    try { sessionStorage.setItem(name, field.value); } catch { /* likewise */ }
  });
  field.form?.addEventListener("steward:sent", () => {
    try { sessionStorage.removeItem(name); } catch { /* likewise */ }
    grow();
  });
}

let timer = null, asked = 0;

function preview(field) {
  const form = field.form, shown = form.querySelector("[data-preview]");
  form.querySelector("[name='due_at']").value = "";
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const mine = ++asked;
    if (!field.value.trim()) { shown.replaceChildren(); return; }
    try {
      const query = new URLSearchParams({ text: field.value, conversation_id: field.dataset.when, follow_up_id: field.dataset.promise || "" });
      const answer = await fetch("/ui/time?" + query);
      const read = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine === asked && answer.ok) shown.replaceChildren(...read.body.childNodes);
    } catch { /* the line says that there is no connection */ }
  }, WAIT);
}
