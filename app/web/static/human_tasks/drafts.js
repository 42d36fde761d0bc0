/* What is typed into a task's form. The law: it is in this browser at once and stays until the server has it; nothing of
   another tab is written over without a word. A server that is away is asked again until it is back. */
import { TYPED } from "../app.js";

const REST = 1200; // milliseconds of not typing until a draft is saved
const SLOWEST = 30000; // between two tries

/** The task is answered, or is not this person's: what was typed into it here is kept no longer. */
export const forget = (task) => {
  for (const key of Object.keys(localStorage)) if (key.startsWith(TYPED) && key.endsWith(`.${task}`)) localStorage.removeItem(key);
};

const typed_in = (form) => Object.fromEntries([...new FormData(form)].filter(([name]) => name.startsWith("answer.")));

const fill = (form, fields) => {
  for (const [name, text] of Object.entries(fields)) {
    const field = form.elements.namedItem(name);
    if (field && "value" in field) field.value = text;
  }
};

const button = (label, does) => {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = label;
  made.addEventListener("click", does);
  return made;
};

const sign_in = () => {
  const link = document.createElement("a");
  link.href = `/sign-in?${new URLSearchParams({ next: location.pathname })}`;
  link.textContent = "Sign in and go on";
  return link;
};

export const keep_drafts = (form) => {
  const place = `${TYPED}${form.dataset.me}.${form.dataset.task}`;
  const seen = form.elements.namedItem("draft_seen");
  const says = form.querySelector("[data-saved]");
  const choice = form.querySelector("[data-choice]");
  let timer = 0;
  let wait = REST;
  let unsaved = false;
  let asked = false; // which of two texts counts: nothing is sent until it is said

  const tell = (text, ...more) => {
    if (says.textContent !== text) says.textContent = text;
    choice.replaceChildren(...more.flatMap((each) => [each, " "]));
  };
  const keep = () => localStorage.setItem(place, JSON.stringify({ seen: seen.value, fields: typed_in(form) }));
  const later = (after) => {
    clearTimeout(timer);
    timer = setTimeout(save, after);
  };
  const ask = (problem, other) => {
    asked = true;
    tell(`Not saved: ${problem}. Your text is still here.`,
      button("Keep this text", () => {
        seen.value = other;
        asked = false;
        keep();
        save();
      }),
      button("Show the other one", () => {
        unsaved = false;
        localStorage.removeItem(place);
        location.reload();
      }));
  };
  const save = async () => {
    clearTimeout(timer);
    if (!unsaved || asked) return;
    unsaved = false;
    const sent = JSON.stringify(typed_in(form));
    try {
      const answer = await fetch(form.dataset.draft, {
        method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" }, keepalive: true,
        redirect: "error",
      });
      if (answer.status === 403) {
        unsaved = true;
        return tell("Not saved: the session of this page has ended. Your text is kept in this browser.", sign_in());
      }
      const told = await answer.json();
      if (told.other) {
        unsaved = true;
        return ask(told.problem, told.other);
      }
      if (!told.saved_at) return tell(`Not saved: ${told.problem}.`);
      wait = REST;
      seen.value = told.saved_at;
      if (sent === JSON.stringify(typed_in(form))) localStorage.removeItem(place);
      else keep();
      tell(`Draft saved at ${new Date(told.saved_at).toLocaleTimeString()}.`);
    } catch {
      unsaved = true;
      wait = Math.min(SLOWEST, wait * 2);
      tell("Not saved: the server does not answer. Your text is kept in this browser, and is sent again.");
      later(wait);
    }
  };
  const restore = () => {
    const kept = JSON.parse(localStorage.getItem(place) ?? "null");
    if (kept && document.querySelector(".restored") && JSON.stringify(kept.fields) === JSON.stringify(typed_in(form))) {
      localStorage.removeItem(place); // the server has it
    }
    if (!kept || JSON.stringify(kept.fields) === JSON.stringify(typed_in(form))) return;
    const other = seen.value;
    fill(form, kept.fields);
    seen.value = kept.seen;
    unsaved = true;
    tell("What you typed here before is filled in again.");
    if (other === kept.seen) later(REST);
    else ask("another draft of yours was saved since, in another tab or window", other);
  };

  form.addEventListener("input", () => {
    unsaved = true;
    keep();
    if (asked) return;
    tell("");
    later(REST);
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    keep(); // until an answer shows that it came
    unsaved = false;
  });
  document.addEventListener("visibilitychange", () => document.hidden && save());
  document.addEventListener("longhaul:leaving", (event) => event.detail.first.push(save()));
  addEventListener("pagehide", save);
  restore();
};
