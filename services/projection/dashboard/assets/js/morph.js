// Makes one element like another, and keeps what a person is doing: focus, caret, what is typed, opened or kept.
export function morph(from, to) {
  if (from.dataset.keep !== undefined && (from.contains(document.activeElement) || touched(from))) return;
  attributes(from, to);
  children(from, to);
}

function touched(element) {
  return [...element.querySelectorAll("textarea, input")].some(field => field.value !== field.defaultValue);
}

// What is new or says something else stands on the mark's ground for a moment, however often it is read meanwhile.
const FRESH = 1200;

function mark(made) {
  for (const one of made.id ? [made] : made.querySelectorAll("[id]")) {
    one.classList.add("changed");
    setTimeout(() => one.classList.remove("changed"), FRESH);
  }
}

// What a row says, but for what goes with the time.
function said(row) {
  const copy = row.cloneNode(true);
  copy.querySelectorAll("time, form, details, .actions").forEach(part => part.remove());
  return copy.textContent.replace(/\s+/g, " ");
}

function attributes(from, to) {
  const stays = from.tagName === "DETAILS" ? ["open"] : [];
  const fresh = from.classList.contains("changed");
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !stays.includes(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !stays.includes(name)) from.setAttribute(name, value);
  }
  if (fresh) from.classList.add("changed");
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id || "") === (other.id || "");
}

function children(from, to) {
  const named = new Map([...from.children].filter(child => child.id).map(child => [child.id, child]));
  let here = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    let match = wanted.id ? named.get(wanted.id) : null;
    while (here?.dataset?.stay !== undefined) here = here.nextSibling;
    if (!match && here && alike(here, wanted)) match = here;
    if (!match) {
      const made = document.importNode(wanted, true);
      if (made.nodeType === Node.ELEMENT_NODE) mark(made);
      from.insertBefore(made, here);
      continue;
    }
    if (match !== here) from.insertBefore(match, here);
    else here = here.nextSibling;
    if (match.nodeType !== Node.ELEMENT_NODE) {
      if (match.nodeValue !== wanted.nodeValue) match.nodeValue = wanted.nodeValue;
    } else if (match.tagName === wanted.tagName) {
      if (match.tagName === "TEXTAREA" || match.tagName === "INPUT" && match.type !== "hidden") continue;
      const other = match.id && match.dataset.row !== undefined && said(match) !== said(wanted);
      morph(match, wanted);
      if (other) mark(match);
    } else {
      match.replaceWith(document.importNode(wanted, true));
    }
  }
  while (here) {
    const next = here.nextSibling;
    // What only this page knows stays until it goes by itself, though what it stood in goes.
    if (here.dataset?.stay === undefined) {
      for (const kept of here.querySelectorAll?.("[data-stay]") ?? []) {
        const focused = kept.contains(document.activeElement) && document.activeElement;
        here.before(kept);
        if (focused) focused.focus();
      }
      here.remove();
    }
    here = next;
  }
}
