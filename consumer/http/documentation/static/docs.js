"use strict";

const element = document.getElementById("swagger-ui");

SwaggerUIBundle({
  url: element.dataset.openapi,
  domNode: element,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  // Would send the document to a server elsewhere.
  validatorUrl: null,
});
