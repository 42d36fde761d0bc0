/* Parts of a page that stay true while it is open. The law: what has the focus does not move, and nothing new pushes in:
   it is counted in a pill, and shown when asked for. A part that is asked for again is one with `data-part`. */
import { localise } from "./app.js";

const EVERY = 5000;
const PATIENCE = 3; // failed looks until the reader is told
const news = document.querySelector("[data-news]");
const part = (within, name) => within.querySelector(`[data-part="${name}"]`);
const holds_focus = (element) => element.contains(document.activeElement);
const ids = (within) => [...within.querySelectorAll("[data-row]")].map((row) => row.dataset.row);

const tell = (text, label, show) => {
  if (!news || news.dataset.says === text) return;
  news.dataset.says = text;
  news.replaceChildren();
  if (!text) return;
  const says = document.createElement("span");
  says.textContent = text;
  news.append(says);
  if (!show) return;
  const button = document.createElement("button");
  button.textContent = label;
  button.addEventListener("click", show);
  news.append(" ", button);
};

const put = (old, fresh) => {
  localise(fresh);
  old.replaceWith(fresh);
};

/** Show a list anew because the reader asked for it; the row that had the focus keeps it. */
const put_rows = (old, fresh) => {
  const focused = document.activeElement?.closest?.("[data-row]")?.dataset.row;
  put(old, fresh);
  tell("");
  const row = focused && fresh.querySelector(`[data-row="${CSS.escape(focused)}"]`);
  (row || fresh).querySelector("a")?.focus({ preventScroll: true });
};

const merge_rows = (old, fresh) => {
  const [was, is] = [ids(old), ids(fresh)];
  if (!was.length && !holds_focus(old)) return put(old, fresh);
  for (const row of old.querySelectorAll("[data-row]")) {
    const anew = fresh.querySelector(`[data-row="${CSS.escape(row.dataset.row)}"]`);
    row.classList.toggle("gone", !anew);
    for (const cell of anew ? row.querySelectorAll("[data-cell]") : []) {
      const told = anew.querySelector(`[data-cell="${cell.dataset.cell}"]`);
      if (!told || holds_focus(cell) || told.innerHTML === cell.innerHTML) continue;
      cell.innerHTML = told.innerHTML; // our own template's, escaped there
      localise(cell);
    }
  }
  const [came, went] = [is.filter((id) => !was.includes(id)).length, was.filter((id) => !is.includes(id)).length];
  const said = [came && `${came} new`, went && `${went} gone`].filter(Boolean).join(", ");
  tell(said, "Show", () => put_rows(part(document, old.dataset.part), fresh));
};

/** Load the page anew, after whatever is typed was kept. */
const anew_page = async () => {
  const leaving = new CustomEvent("longhaul:leaving", { detail: { first: [] } });
  document.dispatchEvent(leaving);
  await Promise.allSettled(leaving.detail.first);
  location.assign(location.pathname);
};

const merge = (fresh) => {
  for (const anew of fresh.querySelectorAll("[data-part]")) {
    const old = part(document, anew.dataset.part);
    if (!old) continue;
    const changed = old.dataset.version && old.dataset.version !== anew.dataset.version;
    if (changed) tell("This task has changed.", "Show it as it is now", anew_page);
    if (anew.querySelector("[data-row]") || old.querySelector("[data-row]")) merge_rows(old, anew);
    else if (!holds_focus(old) && old.innerHTML !== anew.innerHTML) {
      if (old.dataset.version) anew.dataset.version = old.dataset.version; // what the form was made for
      put(old, anew);
    }
  }
};

const watch = (address) => {
  let mark = "";
  let failed = 0;
  const look = async () => {
    if (document.hidden) return;
    const answer = await fetch(address, { headers: mark ? { "If-None-Match": mark } : {}, cache: "no-store", redirect: "error" });
    if (answer.status === 200) {
      mark = answer.headers.get("ETag") ?? "";
      merge(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } else if (answer.status !== 304) throw new Error(`${answer.status}`);
    if (failed >= PATIENCE) tell("");
    failed = 0;
  };
  const again = () =>
    look()
      .catch(() => {
        failed += 1;
        if (failed === PATIENCE) tell("This page is not kept up to date: the server does not answer, or you are signed out.", "Load it again", () => location.reload());
      })
      .finally(() => setTimeout(again, EVERY));
  setTimeout(again, EVERY);
};

for (const each of document.querySelectorAll("[data-poll]")) watch(each.dataset.poll);
