// Puts newer parts of the overview in their places, never one that has the focus. What cannot be refreshed is not left green.

const root = document.querySelector("[data-overview]");
const said = root.querySelector("[data-said]");
const pause = root.querySelector("[data-pause]");
const every = Number(root.dataset.refresh) * 1000;
let tag = "";
let paused = false;
let seenAt = Date.now();
let timer = 0;

const clock = (at) => new Date(at).toLocaleTimeString();

function isBusy(part) {
  const selection = getSelection();
  return part.contains(document.activeElement) || (selection && !selection.isCollapsed && part.contains(selection.anchorNode));
}

// Whether every part could be put in its place.
function put(html) {
  let all = true;
  for (const fresh of new DOMParser().parseFromString(html, "text/html").querySelectorAll("[data-part]")) {
    const old = document.getElementById(fresh.id);
    if (!old) continue;
    for (const details of old.querySelectorAll("details[open][id]")) fresh.querySelector(`#${details.id}`)?.setAttribute("open", "");
    if (old.isEqualNode(fresh)) continue;
    if (isBusy(old)) all = false;
    else old.replaceWith(document.adoptNode(fresh));
  }
  return all;
}

function tell(text, outdated) {
  root.classList.toggle("outdated", outdated);
  if (said.textContent !== text) said.textContent = text;
}

async function refresh() {
  const answer = await fetch("/overview/parts", { headers: tag ? { "If-None-Match": tag } : {}, redirect: "manual" });
  if (answer.type === "opaqueredirect") throw new Error("You are signed out; load the page again.");
  if (answer.status !== 304) {
    if (!answer.ok) throw new Error("The server does not answer as it should.");
    const whole = put(await answer.text());
    tag = whole ? answer.headers.get("ETag") || "" : "";
  }
  seenAt = Date.now();
}

async function tick() {
  clearTimeout(timer);
  if (paused || document.hidden) return;
  try {
    await refresh();
    tell(`Refreshed every ${every / 1000} seconds.`, false);
  } catch (problem) {
    const why = problem instanceof TypeError ? "The server cannot be reached." : problem.message;
    tell(`Not refreshed since ${clock(seenAt)}. ${why}`, true);
  }
  timer = setTimeout(tick, every);
}

pause.hidden = false;
root.querySelector("[data-again]").hidden = true;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Go on" : "Pause";
  if (paused) tell(`Paused; this is how it was at ${clock(seenAt)}.`, true);
  else tick();
});
document.addEventListener("visibilitychange", tick);
timer = setTimeout(tick, every);
