// Sends the answer on to the relying party; the page's button does the same without this.
"use strict";

HTMLFormElement.prototype.submit.call(document.getElementById("answer"));
