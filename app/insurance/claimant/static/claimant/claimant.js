// Sends the claimant's files with a progress bar, and says before sending what cannot be taken. Without it the form works too.

const MB = 1024 * 1024;

function wrongWith(files, most, bytes) {
  if (files.length === 0) return "Choose at least one file.";
  if (files.length > most) return `You chose ${files.length} files; at most ${most} can be sent at a time.`;
  const large = [...files].filter((file) => file.size > bytes).map((file) => file.name);
  return large.length ? `Larger than ${bytes / MB} MB, please split or leave out: ${large.join(", ")}` : "";
}

function replaceBy(html) {
  const main = new DOMParser().parseFromString(html, "text/html").querySelector("main");
  if (!main) throw new Error("no page came back");
  document.querySelector("main").replaceWith(main);
  enhance();
  document.getElementById("said")?.focus();
  scrollTo({ top: 0 });
}

function send(form, say) {
  const bar = form.querySelector("progress");
  const percent = form.querySelector("[data-percent]");
  const button = form.querySelector("button");
  const request = new XMLHttpRequest();
  const done = () => {
    button.disabled = false;
    form.querySelector("[data-progress]").hidden = true;
  };
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    bar.value = Math.round((100 * event.loaded) / event.total);
    percent.textContent = bar.value < 100 ? `${bar.value} %` : "Sent. One moment, we are keeping them …";
  });
  request.addEventListener("load", () => {
    try {
      replaceBy(request.responseText);
    } catch {
      done();
      say("Something went wrong on our side. Please try again in a few minutes.");
    }
  });
  for (const broken of ["error", "abort", "timeout"]) {
    request.addEventListener(broken, () => {
      done();
      say("The connection broke before everything was sent. Please send again; files that arrived are recognised.");
    });
  }
  request.open("POST", location.href);
  const body = new FormData(form);
  button.disabled = true;
  form.querySelector("[data-progress]").hidden = false;
  request.send(body);
}

function enhance() {
  const form = document.querySelector("form.send");
  if (!form) return;
  const told = form.querySelector("[data-wrong]");
  const say = (text) => {
    told.textContent = text;
    told.hidden = !text;
  };
  const files = form.querySelector("input[type=file]");
  const check = () => wrongWith(files.files, Number(form.dataset.most), Number(form.dataset.bytes));
  files.addEventListener("change", () => say(check()));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = check();
    say(wrong);
    if (wrong) files.focus();
    else send(form, say);
  });
}

enhance();
