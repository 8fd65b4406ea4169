# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""One cloud, one Horizon and one browser for all browser tests of a process."""

from __future__ import annotations

import atexit
import functools
import pathlib
import re
from collections.abc import Callable
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from tests.cloud.settings import PASSWORD
from tests.dashboard import Dashboard
from tests.dashboard.dashboard import PANEL
from tests.functional.base import CloudTestCase

#: Where screenshots are kept; of a test that fails there is always one.
SCREENSHOTS = pathlib.Path("tests/browser/screenshots").absolute()

CHROMIUM = "/usr/bin/chromium"
CHROMEDRIVER = "/usr/bin/chromedriver"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-prefers-reduced-motion",
    "--window-size=1400,1000",
)

#: How long a page may take on a busy machine, and a service that is to be taken for absent.
PAGE_SECONDS = 90
SERVICE_SECONDS = 20


@functools.cache
def browser() -> webdriver.Chrome:
    """Return the browser of this process."""
    options = webdriver.ChromeOptions()
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))
    atexit.register(driver.quit)
    driver.set_page_load_timeout(PAGE_SECONDS)
    return driver


@functools.cache
def dashboard(cloud: Any) -> Dashboard:
    """Return the Horizon of this process."""
    found = Dashboard(cloud, timeout=SERVICE_SECONDS)
    found.start()
    atexit.register(found.stop)
    return found


class BrowserTestCase(CloudTestCase):
    """A test with a browser; the user is logged in as ``user`` before it begins."""

    user = "admin"

    def setUp(self) -> None:
        super().setUp()
        self.dashboard = dashboard(self.cloud)
        self.browser = browser()
        self.addOnException(lambda _: self.screenshot(self.id()))
        self.log_in(self.user)

    def log_in(self, user: str, page: str = PANEL) -> None:
        """Log in by hand, as one who was never here; the page is open when this returns."""
        self.browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.browser.get(f"{self.dashboard.url}/auth/login/?next={page}")
        self.browser.find_element(By.ID, "id_username").send_keys(user)
        self.browser.find_element(By.ID, "id_password").send_keys(PASSWORD)
        self.browser.find_element(By.ID, "loginBtn").click()
        self.wait_for(expected_conditions.presence_of_element_located((By.ID, "content_body")))

    def open(self, page: str = PANEL) -> None:
        """Open a page of Horizon by its path."""
        self.browser.get(self.dashboard.url + page)

    def open_tab(self, slug: str) -> WebElement:
        """Open a tab of the panel by a click; return what is in it once it is loaded."""
        tab = f"vfio_live_migration__{slug}"
        self.browser.find_element(By.CSS_SELECTOR, f"[data-target='#{tab}']").click()
        return self.find(f"#{tab}.active > *")

    def wait_for(self, condition: Callable[[Any], Any]) -> Any:
        """Wait for a condition of selenium's."""
        waiting = WebDriverWait(
            self.browser, PAGE_SECONDS, ignored_exceptions=[StaleElementReferenceException]
        )
        return waiting.until(condition)

    def find(self, selector: str) -> WebElement:
        """Return the first element to be seen that a selector means, as soon as there is one."""
        found: WebElement = self.wait_for(
            lambda browser: next(
                (e for e in browser.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()),
                None,
            )
        )
        return found

    def all(self, selector: str) -> list[WebElement]:
        """Return the elements that a selector shows, as soon as there is one."""
        self.find(selector)
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def rows(self, table: str) -> list[list[str]]:
        """Return the text of the cells of a table, row by row."""
        self.find(f"#{table}")
        found = self.browser.find_elements(By.CSS_SELECTOR, f"#{table} tbody tr:not(.empty)")
        return [
            [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
            for row in found
            if row.is_displayed()
        ]

    def screenshot(self, name: str) -> pathlib.Path:
        """Keep how the page looks; return the file."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / (re.sub(r"[^\w.-]", "-", name) + ".png")
        self.browser.save_screenshot(str(path))
        print(f"screenshot: {path}")
        return path
