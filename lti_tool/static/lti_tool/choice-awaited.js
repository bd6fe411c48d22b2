// In the VLE's frame, which keeps no cookies: a tab opened from here chooses training for the course, and its signed
// answer comes back through this page.
"use strict";

(() => {
  const origins = document.querySelector("[data-may-post-to]").dataset.mayPostTo.split(" ");

  window.addEventListener("message", (event) => {
    const { subject, action, jwt } = event.data ?? {};
    // Our own pages only; and nothing goes anywhere but to this VLE.
    if (event.origin !== window.location.origin || subject !== "choice.made") return;
    if (typeof action !== "string" || !URL.canParse(action) || !origins.includes(new URL(action).origin)) return;
    const form = document.createElement("form");
    form.method = "post";
    form.action = action;
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "JWT";
    field.value = jwt;
    form.append(field);
    document.body.append(form);
    event.source.postMessage({ subject: "choice.taken" }, event.origin);
    form.submit();
  });
})();
