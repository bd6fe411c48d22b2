// A double click sends a form once. Without this script the server sees to it that nothing is done twice.
"use strict";

(() => {
  const buttons = [...document.querySelectorAll("form[data-once]")].map((form) => ({
    form,
    button: document.querySelector(`button[form="${form.id}"]`),
  }));
  for (const { form, button } of buttons) {
    form.addEventListener("submit", () => {
      button.disabled = true;
    });
  }
  // The back button brings the page back as it was left.
  window.addEventListener("pageshow", () => {
    for (const { button } of buttons) button.disabled = false;
  });
})();
