// LTI platform storage (1EdTech "LTI Platform Storage" and "Client Side postMessages"): where the browser keeps
// no cookie of ours in this frame, the VLE's page keeps the login's secret for us.
// The page works without this script: its form or link opens a new tab.
"use strict";

const page = document.querySelector("[data-storage]").dataset;
const ANSWER_MS = 1500;

function frameNamed(name) {
  // "_parent" is the VLE's window; any other name is a frame in it made for these messages.
  if (!name || name === "_parent") return window.parent;
  return window.parent.frames[name] || window.parent;
}

function ask(target, origin, message) {
  return new Promise((resolve, reject) => {
    const messageId = crypto.randomUUID();
    const onMessage = (event) => {
      if (origin !== "*" && event.origin !== origin) return;
      const answer = event.data;
      if (!answer || answer.message_id !== messageId || answer.subject !== `${message.subject}.response`) return;
      window.removeEventListener("message", onMessage);
      if (answer.error) reject(new Error(answer.error.code || "refused"));
      else resolve(answer);
    };
    window.addEventListener("message", onMessage);
    setTimeout(() => {
      window.removeEventListener("message", onMessage);
      reject(new Error("no answer"));
    }, ANSWER_MS);
    target.postMessage({ ...message, message_id: messageId }, origin);
  });
}

async function offersStorage() {
  // Canvas's mobile apps send the parameter without implementing it: ask before relying on it.
  const answer = await ask(window.parent, "*", { subject: "lti.capabilities" });
  const subjects = (answer.supported_messages || []).map((supported) => supported.subject);
  return subjects.includes("lti.put_data") && subjects.includes("lti.get_data");
}

async function keepSecretAndGoOn() {
  if (!(await offersStorage())) throw new Error("not offered");
  await ask(frameNamed(page.storageTarget), page.platformOrigin, {
    subject: "lti.put_data", key: page.key, value: page.value,
  });
  window.location.replace(page.authUrl);
}

async function fetchSecretAndPost() {
  const answer = await ask(frameNamed(page.storageTarget), page.platformOrigin, {
    subject: "lti.get_data", key: page.key,
  });
  const form = document.querySelector("form[data-launch]");
  form.elements.sr_secret.value = answer.value || "";
  form.submit();
}

(page.storage === "put" ? keepSecretAndGoOn() : fetchSecretAndPost()).catch(() => {
  document.querySelector("[data-waiting]")?.setAttribute("hidden", "");
  document.querySelector("[data-otherwise]")?.removeAttribute("hidden");
});
