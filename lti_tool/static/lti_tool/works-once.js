// What opens the new tab works once: when it has been pressed, the words below stand in its place.
// Without this script both stand there.
"use strict";

(() => {
  const opener = document.querySelector("[data-works-once]");
  const words = document.querySelector("[data-pressed]");

  words.hidden = true;

  function swap() {
    // Once the browser has opened the tab.
    setTimeout(() => {
      opener.hidden = true;
      words.hidden = false;
      words.focus();
    });
  }

  opener.addEventListener(opener.tagName === "FORM" ? "submit" : "click", swap);
  // The middle button; the right one only asks what to do.
  opener.addEventListener("auxclick", (event) => event.button === 1 && swap());
})();
