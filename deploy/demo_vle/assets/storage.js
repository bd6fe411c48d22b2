// The platform's end of the messages a tool in the frame may send to the page around it:
// - "LTI Client Side postMessages" 0.1: subjects, `.response`, message_id, the error object
// - "LTI postMessage Storage" 0.1: lti.put_data and lti.get_data, kept apart by origin
// - lti.frameResize and org.imsglobal.lti.close, in the shape Canvas and Moodle accept
//
// Only the frame of this page is heard, and what it stores lives as long as the page.
(function () {
  "use strict";

  const frame = document.querySelector("iframe[data-launch-url]");
  const toolOrigin = frame.dataset.toolOrigin;

  // 4096 is the least a platform must give by the specification; both numbers are also Canvas's.
  const MOST_KEYS = 500;
  const MOST_CHARACTERS = 4096;
  const LEAST_HEIGHT = 320;
  const MOST_HEIGHT = 6000;

  const stores = new Map(); // origin → Map of key → value

  function storeOf(origin) {
    if (!stores.has(origin)) {
      stores.set(origin, new Map());
    }
    return stores.get(origin);
  }

  function refuse(code, message) {
    return { error: { code: code, message: message } };
  }

  function sizeWith(store, key, value) {
    let size = key.length + value.length;
    for (const [otherKey, otherValue] of store) {
      if (otherKey !== key) {
        size += otherKey.length + otherValue.length;
      }
    }
    return size;
  }

  function putData(message, origin) {
    const { key, value } = message;
    if (typeof key !== "string" || key === "") {
      return refuse("bad_request", "key must be text that is not empty");
    }
    const store = storeOf(origin);
    if (value === null || value === undefined) {
      store.delete(key); // how a tool clears what it no longer needs
      return { key: key };
    }
    if (typeof value !== "string") {
      return refuse("bad_request", "value must be text");
    }
    if (!store.has(key) && store.size >= MOST_KEYS) {
      return refuse("storage_exhaustion", "no more than " + MOST_KEYS + " keys are kept");
    }
    if (sizeWith(store, key, value) > MOST_CHARACTERS) {
      return refuse("storage_exhaustion", "no more than " + MOST_CHARACTERS + " characters are kept");
    }
    store.set(key, value);
    return { key: key, value: value };
  }

  function getData(message, origin) {
    const { key } = message;
    if (typeof key !== "string" || key === "") {
      return refuse("bad_request", "key must be text that is not empty");
    }
    const store = storeOf(origin);
    return { key: key, value: store.has(key) ? store.get(key) : null };
  }

  function capabilities() {
    return {
      supported_messages: [
        { subject: "lti.capabilities" },
        { subject: "lti.put_data", frame: "_parent" },
        { subject: "lti.get_data", frame: "_parent" },
        { subject: "lti.frameResize" },
        { subject: "org.imsglobal.lti.close" },
      ],
    };
  }

  function frameResize(message) {
    const height = Number(message.height);
    if (!Number.isFinite(height)) {
      return refuse("bad_request", "height must be a number of pixels");
    }
    const kept = Math.round(Math.min(Math.max(height, LEAST_HEIGHT), MOST_HEIGHT));
    frame.style.height = kept + "px";
    return { height: kept };
  }

  function close() {
    window.location.assign(frame.dataset.closeUrl);
    return null;
  }

  const handlers = new Map([
    ["lti.capabilities", capabilities],
    ["lti.put_data", putData],
    ["lti.get_data", getData],
    ["lti.frameResize", frameResize],
    ["org.imsglobal.lti.close", close],
  ]);
  // These two are older than the specification, and senders leave the message_id out.
  const WITHOUT_ID = new Set(["lti.frameResize", "org.imsglobal.lti.close"]);

  function messageOf(data) {
    if (typeof data === "string") {
      try {
        data = JSON.parse(data); // older tools post frameResize as JSON text
      } catch {
        return null;
      }
    }
    return data !== null && typeof data === "object" ? data : null;
  }

  function answerTo(message, origin) {
    if (origin !== toolOrigin) {
      return refuse("wrong_origin", "this page listens to the tool it launched");
    }
    const handler = handlers.get(message.subject);
    if (!handler) {
      return refuse("unsupported_subject", "see lti.capabilities for what is supported");
    }
    const hasId = typeof message.message_id === "string" && message.message_id !== "";
    if (!hasId && !WITHOUT_ID.has(message.subject)) {
      return refuse("bad_request", "message_id must be text that is not empty");
    }
    return handler(message, origin);
  }

  window.addEventListener("message", function (event) {
    if (event.source !== frame.contentWindow) {
      return;
    }
    const message = messageOf(event.data);
    const subject = message && message.subject;
    if (typeof subject !== "string" || !/^(org\.imsglobal\.)?lti\./.test(subject)) {
      return; // pages talk about much that is not for us
    }
    const answer = answerTo(message, event.origin);
    if (answer === null) {
      return;
    }
    const response = { subject: subject + ".response", ...answer };
    if (message.message_id !== undefined) {
      response.message_id = message.message_id;
    }
    // To the sender's origin only: the frame may have moved on to another site meanwhile.
    event.source.postMessage(response, event.origin === "null" ? "*" : event.origin);
  });

  // The frame starts only now, so that no message of a fast tool is missed.
  frame.src = frame.dataset.launchUrl;
})();
