/* What the page does beyond HTML: times in the reader's zone, live parts, the notice of an outage, uploads. */
"use strict";

(() => {
  const locale = document.body.dataset.locale;
  const POKE_INTERVAL = 2500;
  const ANNOUNCE_INTERVAL = 5000;
  const MAX_RETRY_INTERVAL = 60000;

  /* Times: the server writes UTC, people read their own zone. */
  const clock = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const exact = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "long" });
  const shortTime = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  const UNITS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

  function ago(moment) {
    let amount = (moment - Date.now()) / 1000;
    for (const [unit, size] of UNITS) {
      if (Math.abs(amount) < size) return relative.format(Math.round(amount), unit);
      amount /= size;
    }
    return clock.format(moment);
  }

  function showTimes(root) {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(element.dateTime);
      const { dataset } = element;
      const text = "relative" in dataset ? ago(moment) : ("seconds" in dataset ? shortTime : clock).format(moment);
      if (element.textContent !== text) element.textContent = text;
      element.title = exact.format(moment);
    }
  }

  /* The live part: the server is asked again with the tag of what is shown; 304 changes nothing. */
  const live = document.getElementById("live");
  const stale = document.getElementById("stale");
  let lastSuccess = new Date();
  let failures = 0;
  let retryTimer;

  function setStale(isStale) {
    document.body.classList.toggle("is-stale", isStale);
    stale.hidden = !isStale;
    if (isStale) stale.textContent = document.body.dataset.staleText.replace("{time}", shortTime.format(lastSuccess));
  }

  /* The server does not know which details the reader has opened, so an update would close them. */
  let toggled = new Map();

  function rememberDetails() {
    toggled = new Map([...live.querySelectorAll("details[id]")].map((details) => [details.id, details.open]));
  }

  /* A question about an action that is no longer possible, because the import has ended. */
  function closeDialogs() {
    for (const dialog of document.querySelectorAll("[popover]:popover-open")) {
      if (!live.querySelector(`[popovertarget="${dialog.id}"]`)) dialog.hidePopover();
    }
  }

  function restoreDetails() {
    for (const details of live.querySelectorAll("details[id]")) {
      if (toggled.has(details.id)) details.open = toggled.get(details.id);
    }
  }

  function refresh() {
    if (live) window.htmx.trigger(live, "refresh");
  }

  function succeeded() {
    lastSuccess = new Date();
    failures = 0;
    setStale(false);
  }

  function failed() {
    failures += 1;
    if (failures > 1) setStale(true);
    clearTimeout(retryTimer);
    retryTimer = setTimeout(refresh, Math.min(1000 * 2 ** failures, MAX_RETRY_INTERVAL));
  }

  if (live) {
    live.addEventListener("htmx:before:request", (event) => {
      if (document.hidden) {
        event.preventDefault();
        return;
      }
      if (live.dataset.etag) event.detail.ctx.request.headers["If-None-Match"] = live.dataset.etag;
    });
    live.addEventListener("htmx:before:response", (event) => {
      const { response } = event.detail.ctx;
      if (response.status >= 400 && !response.headers.get("hx-redirect")) {
        failed();
        event.preventDefault();
        return;
      }
      succeeded();
      const tag = response.headers.get("etag");
      if (tag) live.dataset.etag = tag;
    });
    live.addEventListener("htmx:error", failed);
    live.addEventListener("htmx:before:swap", rememberDetails);
    live.addEventListener("htmx:after:swap", () => {
      restoreDetails();
      closeDialogs();
      showTimes(live);
      announce();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) refresh();
    });
  }

  /* Events of the job only say that something changed; when they stop, polling goes on. */
  let lastPoke = 0;
  let pokeTimer;

  function poke() {
    clearTimeout(pokeTimer);
    const wait = Math.max(0, lastPoke + POKE_INTERVAL - Date.now());
    pokeTimer = setTimeout(() => {
      lastPoke = Date.now();
      refresh();
    }, wait);
  }

  let source;

  function stopListening() {
    if (source) source.close();
    source = undefined;
  }

  /* Only while the page is seen: a browser has six connections for all tabs of a site. */
  function listen() {
    if (source || document.hidden || !live.querySelector("[data-live=yes]")) return;
    source = new EventSource(live.dataset.events);
    source.onmessage = poke;
    source.onerror = () => {
      if (!live.querySelector("[data-live=yes]")) stopListening();
    };
  }

  if (live && live.dataset.events) {
    listen();
    document.addEventListener("visibilitychange", () => (document.hidden ? stopListening() : listen()));
    window.addEventListener("pagehide", stopListening);
    window.addEventListener("pageshow", listen);
  }

  /* For screen readers: the latest state, not more often than they can speak. */
  const announcer = document.getElementById("announcer");
  let lastAnnounced = 0;
  let announceTimer;

  function announce() {
    const element = live.querySelector("[data-announce]");
    if (!element || element.dataset.announce === announcer.textContent) return;
    clearTimeout(announceTimer);
    announceTimer = setTimeout(() => {
      lastAnnounced = Date.now();
      announcer.textContent = element.dataset.announce;
    }, Math.max(0, lastAnnounced + ANNOUNCE_INTERVAL - Date.now()));
  }

  /* The upload: progress and abort, which a plain form has not. */
  const form = document.getElementById("upload");
  if (form) setUpUpload(form);

  function setUpUpload(form) {
    const drop = form.querySelector(".drop");
    const input = form.querySelector("input[type=file]");
    const name = form.querySelector("[data-file-name]");
    const hint = name.textContent;
    const panel = form.querySelector(".upload-progress");
    const bar = panel.querySelector("progress");
    const percent = panel.querySelector("[data-percent]");
    const submit = form.querySelector("[data-submit]");
    const trouble = form.querySelector("[data-problem-place]");
    const sizes = ["kilobyte", "megabyte"].map((unit) => new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits: 1 }));
    const sizeText = (bytes) => (bytes < 1048576 ? sizes[0].format(bytes / 1024) : sizes[1].format(bytes / 1048576));
    let request;

    const showName = () => {
      const [file] = input.files;
      name.textContent = file ? `${file.name} · ${sizeText(file.size)}` : hint;
    };
    input.addEventListener("change", showName);
    for (const type of ["dragenter", "dragover"]) {
      drop.addEventListener(type, (event) => {
        event.preventDefault();
        drop.classList.add("over");
      });
    }
    for (const type of ["dragleave", "drop"]) drop.addEventListener(type, () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      showName();
    });

    const setBusy = (isBusy) => {
      panel.hidden = !isBusy;
      submit.disabled = isBusy;
    };
    const showTrouble = (...texts) => {
      trouble.replaceChildren(...texts.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
      trouble.hidden = !texts.length;
      setBusy(false);
    };

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      showTrouble();
      if (input.files[0].size > Number(form.dataset.maxBytes)) {
        showTrouble(form.dataset.tooLarge);
        return;
      }
      setBusy(true);
      request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.setRequestHeader("Accept", "text/html");
      request.responseType = "document";
      request.upload.addEventListener("progress", (step) => {
        if (!step.lengthComputable) return;
        bar.value = (100 * step.loaded) / step.total;
        percent.textContent = `${Math.floor(bar.value)} %`;
      });
      request.addEventListener("load", () => {
        const problem = request.response && request.response.querySelector("[data-problem]");
        if (request.status < 400) window.location.assign(request.responseURL);
        else showTrouble(...(problem ? [...problem.querySelectorAll("p:not(.buttons)")].map((p) => p.textContent.trim()) : [form.dataset.broken]));
      });
      request.addEventListener("error", () => showTrouble(form.dataset.broken));
      request.addEventListener("abort", () => setBusy(false));
      request.send(new FormData(form));
    });
    panel.querySelector("[data-abort]").addEventListener("click", () => request.abort());
    window.addEventListener("pageshow", () => setBusy(false));
  }

  /* The mapping of columns: what was chosen for the same headers is filled in, and sent only by its reader. */
  const mapping = document.getElementById("mapping");
  if (mapping) setUpMapping(mapping);

  function setUpMapping(form) {
    const key = `columns:${form.dataset.headers}`;
    const selects = [...form.querySelectorAll("select")];
    for (const select of selects) {
      const header = readChoice(key)[select.name];
      if (![...select.options].some((option) => option.value && option.value === header)) continue;
      select.value = header;
      form.querySelector("[data-remembered]").hidden = false;
    }
    form.addEventListener("submit", () => {
      const choice = Object.fromEntries(selects.map((select) => [select.name, select.value]));
      try {
        localStorage.setItem(key, JSON.stringify(choice));
      } catch (error) {
        console.info("The choice of columns is not remembered.", error);
      }
    });
  }

  /* Browsers may forbid storage, or have it emptied or full. */
  function readChoice(key) {
    try {
      return JSON.parse(localStorage.getItem(key)) || {};
    } catch (error) {
      console.info("No choice of columns is remembered.", error);
      return {};
    }
  }

  showTimes(document);
  setInterval(() => showTimes(document), 10000);
})();
