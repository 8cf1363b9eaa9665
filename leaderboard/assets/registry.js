// Data on demand, from a web server or from a file: a data file is a script that hands a text to `rstarData`, and the
// text is parsed as JSON. Nothing but the site's own files under data/ is ever asked for.
"use strict";
(() => {
  const NAME = /^data\/(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9.\-/]*$/; // part of a name may come from the address bar
  const top = new URL("../", document.currentScript.src);
  const known = new Map();
  const asked = new Map();

  window.rstar = { top };
  window.rstarData = (name, text) => known.set(name, JSON.parse(text));
  window.rstarLoad = (name) => {
    if (!NAME.test(name)) return Promise.reject(new Error(`no data is called ${name.slice(0, 80)}`));
    if (!asked.has(name)) asked.set(name, load(name));
    return asked.get(name);
  };

  function load(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const missing = () => { asked.delete(name); reject(new Error(`${name}.js is not there`)); };
      script.src = new URL(`${name}.js`, top).href;
      script.onload = () => (known.has(name) ? resolve(known.get(name)) : missing());
      script.onerror = missing;
      document.head.append(script);
    });
  }
})();
