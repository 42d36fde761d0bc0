// A run's page kept fresh: told by the server that something came, it reads itself anew and puts in place what changed.
// What has the focus is left alone, and the timeline never moves under a reader: a pill says how much is new.
const page = document.querySelector("[data-run]");
const POLL = 5000;
const QUIET = 40000; // the server says a word every 15 seconds, also when nothing came
const PATIENCE = 5000; // a stream that ends is open again within that
let heard = Date.now();
let lost = 0; // since when nobody answers

function seqOf(mark) {
  return Number((mark || "0").split(".")[0]);
}

/** What cannot be kept up to date says so: nobody takes it for how things are. */
function tell_age() {
  const now = Date.now();
  if (!lost && now - heard > QUIET) lost = heard;
  const stale = document.getElementById("stale");
  const says = lost && now - lost >= PATIENCE
    ? `Not up to date since ${new Date(lost).toLocaleTimeString()}: the server does not answer, or you are signed out. Load it again` : "";
  if (stale.textContent !== says) stale.querySelector("a").textContent = says;
  stale.hidden = !says;
}

function answers() {
  heard = Date.now();
  lost = 0;
}

function fails() {
  lost ||= Date.now();
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (other && !part.contains(document.activeElement)) part.replaceWith(document.importNode(other, true));
  }
}

function start() {
  const { run, mark } = page.dataset;
  const first = seqOf(mark);
  let seen = mark;
  const pill = document.getElementById("news");

  const moved = (now) => {
    if (!now || now === seen) return;
    seen = now;
    const count = Math.max(1, seqOf(now) - first);
    pill.hidden = false;
    pill.querySelector("a").textContent = `${count} new ${count === 1 ? "event" : "events"}: show`;
    refresh().catch(fails);
  };
  const poll = async () => {
    try {
      const answer = await fetch(`/runs/${run}/events`, { redirect: "error" });
      if (!answer.ok) throw new Error(`${answer.status}`);
      moved((await answer.json()).mark);
      answers();
    } catch {
      fails();
    }
  };

  pill.addEventListener("click", (event) => { event.preventDefault(); location.reload(); });
  let timer;
  const source = new EventSource(`/runs/${run}/events?stream=1&after=${encodeURIComponent(mark)}`);
  source.addEventListener("moved", (event) => {
    answers();
    moved(JSON.parse(event.data).mark);
  });
  for (const name of ["open", "quiet"]) source.addEventListener(name, answers);
  setInterval(tell_age, 1000);
  document.getElementById("stale").addEventListener("click", (event) => { event.preventDefault(); location.reload(); });
  source.addEventListener("error", () => {
    fails();
    if (source.readyState === EventSource.CLOSED && !timer) timer = setInterval(poll, POLL);
  });
}

const drawing = document.querySelector(".scroll .current rect");
if (drawing) {
  const around = drawing.closest(".scroll");
  around.scrollLeft = Number(drawing.getAttribute("x")) + 100 - around.clientWidth / 2;
}
if (page && page.dataset.mark) start();
const slider = document.querySelector("form.moment input[type=range]");
if (slider) slider.addEventListener("change", () => slider.form.submit());
