"use strict";

const element = document.getElementById("swagger-ui");

SwaggerUIBundle({
  url: element.dataset.openapi,
  domNode: element,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  // The validator would send the document to another server.
  validatorUrl: null,
});
