/* What any page has where scripts are allowed: keys, and times in the reader's own zone.
   The law: no page needs it; whatever a key does, a link or button reached by Tab does too. */

const KEYS = [
  ["j, k", "next and previous row"], ["Enter", "open it"], ["c", "claim the task"], ["n, p", "next page and page before"],
  ["/", "search"], ["g i", "inbox"], ["g r", "runs"], ["g a", "alerts"], ["g o", "overview"], ["?", "this help"],
];
const PLACES = { i: "/inbox", r: "/runs", a: "/alerts", o: "/" };
export const TYPED = "longhaul.typed."; // then whose, a point, and the task
const OFF = "longhaul.keys.off";
let after_g = 0;

const make = (tag, text = "", attributes = {}) => {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};

/** Whether keys are switched off (some people speak to their computer, and single letters get in their way). */
const are_off = () => localStorage.getItem(OFF) === "yes";

/** Every moment on the page also tells its time where the reader is. */
export const localise = (within) => {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.title = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  }
};

const help = () => {
  const dialog = make("dialog", "", { class: "keys", "aria-labelledby": "keys-title" });
  const list = make("dl");
  for (const [key, does] of KEYS) {
    const row = make("div");
    const term = make("dt");
    term.append(make("kbd", key));
    row.append(term, make("dd", does));
    list.append(row);
  }
  const choice = make("input", "", { type: "checkbox", id: "keys-on" });
  choice.checked = !are_off();
  choice.addEventListener("change", () => localStorage.setItem(OFF, choice.checked ? "no" : "yes"));
  const chosen = make("p", "", { class: "choice" });
  chosen.append(choice, make("label", "Single keys do something", { for: "keys-on" }));
  const close = make("button", "Close");
  close.addEventListener("click", () => dialog.close());
  dialog.append(make("h2", "Keys", { id: "keys-title" }), list, chosen, close);
  document.body.append(dialog);
  return dialog;
};

const rows = () => [...document.querySelectorAll("[data-rows] [data-row]")];
const in_row = () => document.activeElement?.closest?.("[data-row]");

const step = (by) => {
  const all = rows();
  if (!all.length) return false;
  const here = all.indexOf(in_row());
  const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + by));
  all[next].querySelector("a")?.focus();
  return true;
};

const press = (element) => {
  element?.click();
  return Boolean(element);
};

const search = () => {
  const field = document.querySelector("[data-search], main input[type=search]");
  if (!field) return false;
  field.focus();
  field.select();
  return true;
};

const act = (key, dialog) => {
  if (Date.now() - after_g < 1500 && PLACES[key]) {
    location.assign(PLACES[key]);
    return true;
  }
  after_g = key === "g" ? Date.now() : 0;
  if (key === "j" || key === "k") return step(key === "j" ? 1 : -1);
  if (key === "/") return search();
  if (key === "?") return dialog.open || dialog.showModal() || true;
  if (key === "c") return press(in_row()?.querySelector("[data-claim] button") ?? document.querySelector("[data-key=c]"));
  if (key === "n" || key === "p") return press(document.querySelector(`[data-key=${key}]`));
  return false;
};

/** What a form's answer shows stands at its page's own address: going back or loading it again sends nothing anew.
    A link to a part of that page would then be one to a part of this: what is not here is fetched. */
const come_back = () => {
  if (!document.body.dataset.back) return;
  history.replaceState(null, "", document.body.dataset.back);
  addEventListener("hashchange", () => {
    if (location.hash && !document.getElementById(decodeURIComponent(location.hash.slice(1)))) location.reload();
  });
};

/** Whoever signs out leaves nothing typed behind in this browser. */
const forget_on_sign_out = () => {
  document.querySelector("form[action='/sign-out']")?.addEventListener("submit", () => {
    for (const key of Object.keys(localStorage)) if (key.startsWith(TYPED)) localStorage.removeItem(key);
  });
};

const start = () => {
  come_back();
  forget_on_sign_out();
  localise(document);
  const dialog = help();
  const button = make("button", "Keys", { class: "quiet", type: "button", "aria-haspopup": "dialog" });
  button.addEventListener("click", () => dialog.showModal());
  document.querySelector(".top .who")?.before(button); // who is not signed in has nothing the keys lead to
  document.addEventListener("keydown", (event) => {
    // A dialog that has just closed keeps the focus until the next frame; what is typed then is meant for the page.
    const busy = event.target.closest?.("dialog")?.open ?? event.target.closest?.("input, textarea, select");
    if (busy || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || (are_off() && event.key !== "?")) return;
    if (act(event.key, dialog)) event.preventDefault();
  });
};

start();
