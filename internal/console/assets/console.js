// Makes the pages more comfortable. Everything works without it.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("script");
  // The server writes the markup and escapes what people typed; nothing else may pass here.
  const markup = window.trustedTypes ? trustedTypes.createPolicy("tigertally", { createHTML: (s) => s }) : { createHTML: (s) => s };

  // Moments in the reader's own time zone.
  const times = (within) => {
    const format = new Intl.DateTimeFormat(root.lang, { dateStyle: "medium", timeStyle: "short" });
    for (const t of within.querySelectorAll("time[datetime]")) t.textContent = format.format(new Date(t.dateTime));
  };
  times(document);

  // On a phone the menu is closed at first, also in a window that has just become as narrow.
  const drawer = document.querySelector(".drawer");
  const narrow = matchMedia("(max-width: 52rem)");
  const settle = () => { if (drawer) drawer.open = !narrow.matches; };
  narrow.addEventListener("change", settle);
  settle();

  document.addEventListener("change", (e) => {
    const form = e.target.closest("[data-submit-on-change]");
    if (form) form.requestSubmit();
  });

  document.addEventListener("click", async (e) => {
    for (const open of document.querySelectorAll(".menu[open]")) if (!open.contains(e.target)) open.open = false;
    const copy = e.target.closest("[data-copy]");
    if (copy) {
      await navigator.clipboard.writeText(copy.parentElement.querySelector("code").textContent);
      const was = copy.textContent;
      copy.textContent = copy.dataset.copied;
      setTimeout(() => { copy.textContent = was; }, 1500);
      return;
    }
    const button = e.target.closest("[data-confirm]");
    if (button && !button.dataset.sure) {
      e.preventDefault();
      ask(button);
    }
  });

  // ask puts the question of a button before its form is sent.
  const ask = (button) => {
    const box = document.createElement("dialog");
    const text = document.createElement("p");
    text.id = "question";
    text.textContent = button.dataset.confirm;
    box.setAttribute("aria-labelledby", text.id);
    const actions = document.createElement("div");
    actions.className = "actions";
    const no = document.createElement("button");
    no.className = "quiet";
    no.textContent = button.dataset.no;
    no.addEventListener("click", () => box.close());
    const yes = document.createElement("button");
    yes.className = "danger";
    yes.textContent = button.dataset.yes;
    yes.addEventListener("click", () => {
      button.dataset.sure = "yes";
      box.close();
      button.form.requestSubmit(button);
    });
    actions.append(no, yes);
    box.append(text, actions);
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
    no.focus();
  };

  // A form with data-live sends itself while somebody types and shows the part of the
  // answer that data-live selects; one with data-every (seconds) also asks again by itself.
  const refresh = async (form) => {
    const address = form.getAttribute("action") + "?" + new URLSearchParams(new FormData(form));
    const mine = form.asked = (form.asked || 0) + 1;
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok || mine !== form.asked) return;
    const page = new DOMParser().parseFromString(markup.createHTML(await answer.text()), "text/html");
    const fresh = page.querySelector(form.dataset.live), old = document.querySelector(form.dataset.live);
    if (!fresh || !old || old.contains(document.activeElement) && old !== form) return;
    times(fresh);
    old.replaceWith(document.adoptNode(fresh));
    if (!form.dataset.every) history.replaceState(null, "", address);
  };
  for (const form of document.querySelectorAll("form[data-live]")) {
    let timer;
    form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => refresh(form), 200); });
    form.addEventListener("submit", (e) => { e.preventDefault(); refresh(form); });
    if (form.dataset.every) setInterval(() => { if (!document.hidden) refresh(form); }, 1000 * form.dataset.every);
  }

  // A form with data-preview shows what is being typed by its button that leads to a frame.
  for (const form of document.querySelectorAll("form[data-preview]")) {
    const show = form.querySelector("[formtarget]");
    let timer;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => { if (form.checkValidity()) form.requestSubmit(show); }, 400);
    });
  }
})();
