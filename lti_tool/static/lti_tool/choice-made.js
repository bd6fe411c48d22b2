// The answer to a deep linking request goes back to the VLE: by itself in the VLE's frame; from a tab of its own
// through the page that opened the tab, for the VLE listens to its own frame only (Moodle's contentitem_return.php).
// The page works without this script: its button sends the form.
"use strict";

(() => {
  const form = document.querySelector("form[data-return]");
  const ANSWER_MS = 3000;

  // The page in the VLE's frame that opened this tab, if it is still there. Only a page of ours can be read.
  function waitingPage() {
    try {
      return window.opener && !window.opener.closed && window.opener.location.origin === window.location.origin
        ? window.opener
        : null;
    } catch {
      return null;
    }
  }

  function show(what) {
    document.querySelector(what).hidden = false;
  }

  function handOver(page) {
    const giveUp = setTimeout(() => show("[data-no-way-back]"), ANSWER_MS);
    window.addEventListener("message", (event) => {
      if (event.origin !== window.location.origin || event.source !== page) return;
      if (event.data?.subject !== "choice.taken") return;
      clearTimeout(giveUp);
      document.querySelector("[data-going]").hidden = true;
      show("[data-arrived]");
      document.querySelector("[data-arrived] h1").focus();
      window.close();
    });
    page.postMessage(
      { subject: "choice.made", action: form.action, jwt: form.elements.JWT.value },
      window.location.origin,
    );
  }

  if (window.parent !== window) {
    if ("atOnce" in form.dataset) form.submit();
    return;
  }
  const page = waitingPage();
  if (page) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      handOver(page);
    });
    if ("atOnce" in form.dataset) handOver(page);
  } else if (window.opener && !window.opener.closed) {
    // The VLE itself opened this window, and waits for the answer in it.
    if ("atOnce" in form.dataset) form.submit();
  } else {
    show("[data-no-way-back]");
  }
})();
