// What pages do beyond plain HTML: the error summary takes the focus, a button is pressed once.
import { Button, ErrorSummary, NotificationBanner } from "govuk-frontend";

document.body.classList.add("js-enabled");
if ("noModule" in HTMLScriptElement.prototype) {
  document.body.classList.add("govuk-frontend-supported");
  for (const [name, Component] of [["govuk-error-summary", ErrorSummary], ["govuk-button", Button], ["govuk-notification-banner", NotificationBanner]]) {
    for (const root of document.querySelectorAll(`[data-module="${name}"]`)) {
      new Component(root);
    }
  }
}
