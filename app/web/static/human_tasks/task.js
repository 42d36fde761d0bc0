/* A task's page: what is typed is kept by itself, and pages of documents turn without losing it. */
import { localise } from "../app.js";
import { forget, keep_drafts } from "./drafts.js";

const form = document.querySelector("form[data-draft]");

/** Another page of a document, in place of the one shown; everything else stays as it is. */
const turn = async (link) => {
  const key = link.dataset.key;
  const told = link.textContent;
  const answer = await fetch(link.href, { cache: "no-store", redirect: "error" });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-part=documents]");
  if (!answer.ok || !fresh) throw new Error(`${answer.status}`);
  const old = document.querySelector("[data-part=documents]");
  for (const each of old.querySelectorAll("details[open]")) {
    const name = each.querySelector("summary").textContent;
    for (const other of fresh.querySelectorAll("details")) if (other.querySelector("summary").textContent === name) other.open = true;
  }
  localise(fresh);
  old.replaceWith(fresh);
  history.replaceState(null, "", link.href.split("#")[0]);
  const same = [...fresh.querySelectorAll("a[data-swap]")];
  const focus = same.find((a) => key ? a.dataset.key === key : a.textContent === told && a.href === link.href) ?? same[0];
  focus?.focus({ preventScroll: true });
  fresh.querySelector("rect.chosen, .sheet-of-paper")?.scrollIntoView({ block: "nearest" });
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  turn(link).catch(() => location.assign(link.href));
});
if (form) keep_drafts(form);
else forget(location.pathname.split("/")[2]);
