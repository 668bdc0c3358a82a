"use strict";

const element = document.getElementById("redoc");
const sans = "system-ui, sans-serif";

Redoc.init(
  element.dataset.openapi,
  {
    hideDownloadButton: false,
    theme: {
      typography: {
        fontFamily: sans,
        headings: { fontFamily: sans },
        code: { fontFamily: "ui-monospace, monospace" },
      },
    },
  },
  element,
);
