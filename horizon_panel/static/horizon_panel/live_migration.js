/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License. You may obtain
 * a copy of the License at
 *
 *      http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
 * WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
 * License for the specific language governing permissions and limitations
 * under the License.
 *
 * What the pages about a server can do with a script and do well enough without: buttons that copy
 * a remedy, and the progress of a live migration that is asked for again and again.
 */
(function () {
  "use strict";

  var POLL_MILLISECONDS = 2000;

  function showCopyButtons(root) {
    root.querySelectorAll("[data-vfio-copy]").forEach(function (button) {
      button.hidden = false;
    });
  }

  // The clipboard of the browser is there for pages over TLS only; the old way is for all.
  function copy(element) {
    if (navigator.clipboard) {
      return navigator.clipboard.writeText(element.textContent);
    }
    window.getSelection().selectAllChildren(element);
    return document.execCommand("copy") ? Promise.resolve() : Promise.reject();
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-vfio-copy]");
    if (!button) {
      return;
    }
    copy(document.getElementById(button.dataset.vfioCopy)).then(function () {
      button.querySelector("[role=status]").textContent = button.dataset.vfioCopied;
    }, function () {
      // It is selected, and can be copied by hand.
    });
  });

  // Said once for each new sentence, not for each new number.
  function tell(region) {
    var status = region.querySelector("[data-vfio-status]");
    var news = document.querySelector("[data-vfio-news]");
    var text = status ? status.textContent.replace(/\s+/g, " ").trim() : "";
    if (news && news.textContent !== text) {
      news.textContent = text;
    }
  }

  function poll(region) {
    function again() {
      if (!region.querySelector("[data-vfio-over]")) {
        window.setTimeout(ask, POLL_MILLISECONDS);
      }
    }

    function ask() {
      window.fetch(region.dataset.vfioPoll, {
        credentials: "same-origin",
        headers: {"X-Requested-With": "XMLHttpRequest"}
      }).then(function (response) {
        // A redirection leads to the log-in, which is no part of this page.
        if (!response.ok || response.redirected) {
          throw new Error(response.statusText);
        }
        return response.text();
      }).then(function (html) {
        region.innerHTML = html;
        showCopyButtons(region);
        tell(region);
      }).catch(function () {
        // What is shown stays until Horizon answers again.
      }).then(again);
    }

    again();
  }

  showCopyButtons(document);
  document.querySelectorAll("[data-vfio-poll]").forEach(poll);
}());
