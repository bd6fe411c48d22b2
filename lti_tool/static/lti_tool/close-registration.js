// The VLE that opened this page closes it at our message (LTI Dynamic Registration §3.7), and what stands here is
// gone: so only once somebody says that they have read it.
"use strict";

const vle = window.opener || (window.parent === window ? null : window.parent);
const finish = document.querySelector("[data-close]");
const byItself = document.querySelector("[data-by-itself]");

if (vle) {
  finish.hidden = false;
  byItself.hidden = true;
  finish.addEventListener("click", () => {
    // To whom does not matter: the message holds nothing, and a hosted VLE's page may be on any of its addresses.
    vle.postMessage({ subject: "org.imsglobal.lti.close" }, "*");
    byItself.hidden = false;
  });
}
