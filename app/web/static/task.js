/* A task's page: what is typed is kept by itself, and pages of documents turn without losing it. */
import { localise } from "./app.js";

const REST = 1200; // milliseconds of not typing until a draft is saved
const form = document.querySelector("form[data-draft]");

const keep_drafts = () => {
  const says = form.querySelector("[data-saved]");
  let timer = 0;
  let unsaved = false;
  const save = async () => {
    clearTimeout(timer);
    if (!unsaved) return;
    unsaved = false;
    try {
      const answer = await fetch(form.dataset.draft, {
        method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" }, keepalive: true,
        redirect: "error",
      });
      const told = await answer.json();
      says.textContent = told.saved_at ? `Draft saved at ${new Date(told.saved_at).toLocaleTimeString()}.` : `Not saved: ${told.problem}.`;
    } catch {
      unsaved = true;
      says.textContent = "Not saved: the server does not answer. Your text is still here.";
    }
  };
  form.addEventListener("input", () => {
    unsaved = true;
    says.textContent = "";
    clearTimeout(timer);
    timer = setTimeout(save, REST);
  });
  form.addEventListener("submit", () => {
    unsaved = false;
    clearTimeout(timer);
  });
  document.addEventListener("visibilitychange", () => document.hidden && save());
  document.addEventListener("longhaul:leaving", (event) => event.detail.first.push(save()));
  addEventListener("pagehide", save);
};

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
if (form) keep_drafts();
