// A run's page kept fresh: told by the server that something came, it reads itself anew and puts in place what changed.
// What has the focus is left alone, and the timeline never moves under a reader: a pill says how much is new.
const page = document.querySelector("[data-run]");
const POLL = 5000;

function seqOf(mark) {
  return Number((mark || "0").split(".")[0]);
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
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
    refresh();
  };
  const poll = async () => {
    try {
      const answer = await fetch(`/runs/${run}/events`);
      if (answer.ok) moved((await answer.json()).mark);
    } catch { /* away for a while: asked again */ }
  };

  pill.addEventListener("click", (event) => { event.preventDefault(); location.reload(); });
  let timer;
  const source = new EventSource(`/runs/${run}/events?stream=1&after=${encodeURIComponent(mark)}`);
  source.addEventListener("moved", (event) => moved(JSON.parse(event.data).mark));
  source.addEventListener("error", () => {
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
