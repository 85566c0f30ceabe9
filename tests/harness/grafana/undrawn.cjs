// Lets Grafana's packages load where there is no browser: the parts that draw are asked for at import, and nobody sees them.
'use strict';

globalThis.window = globalThis;
globalThis.addEventListener = () => {};
// (Newer Node has a navigator that cannot be assigned to.)
Object.defineProperty(globalThis, 'navigator', { value: { language: 'en-US', languages: ['en-US'] } });
globalThis.IntersectionObserver = class {
  observe() {}
};
const Module = require('node:module');
const nothing = () =>
  new Proxy(function () {}, {
    get: (_, key) => (key === '__esModule' ? true : key === Symbol.toPrimitive ? () => '' : nothing()),
    apply: () => nothing(),
    construct: () => ({}),
  });
const DRAW = /^(@grafana\/(ui|runtime|e2e-selectors|plugin-compat|schema\/dist)(\/.*)?|@emotion\/css|@floating-ui\/react|@tanstack\/react-virtual|react-(grid-layout|router-dom|use))$/;
const load = Module._load;
Module._load = function (name, ...rest) {
  return DRAW.test(name) ? nothing() : load.call(this, name, ...rest);
};
