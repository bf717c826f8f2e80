"""The web application in a real headless Chromium, through the demo provider's own pages."""

from harness.command import TOP
from harness.webapp import sites_on
from harness.wire import Answer, RecordingServer

SCREENSHOTS = TOP / ".build" / "screenshots"
BOB = {"username": "bob", "password": "keys-left-at-home"}
ALICES_SITES = ["Harbour Office", "Old Mill"]
BOBS_SITES = ["Old Mill"]


def test_a_person_signs_in_sees_the_sites_and_signs_out(webapp, demo, chromium):
    app = webapp(demo)
    person = chromium(app)
    page = person.sign_in()
    person.screenshot(SCREENSHOTS / "webapp-sites.png")
    assert page["url"] == app.url + "/sites"
    assert sites_on(person.html) == ALICES_SITES
    assert "Alice Adams" in page["text"]

    page = person.click("main li a")
    person.screenshot(SCREENSHOTS / "webapp-site.png")
    assert "Front door" in page["text"] and "Roof terrace" in page["text"]

    page = person.click("form[action='/sign-out'] button")
    person.screenshot(SCREENSHOTS / "webapp-signed-out.png")
    assert "You are signed out" in page["text"]
    assert person.cookies == {}
    for _ in range(2):
        page = person.back()
        assert not any(name in page["text"] for name in [*ALICES_SITES, "Roof terrace", "Alice"])
    assert person.open(app.url + "/sites")["url"] == app.url + "/"


def test_the_browser_holds_one_cookie_and_no_token(webapp, demo, chromium):
    app = webapp(demo)
    person = chromium(app)
    person.sign_in()
    [cookie] = person.cookies.values()
    assert cookie["name"] == "ksconnect-session"
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/"
    assert len(cookie["value"]) < 60, "a time and 256 bits: no room for a token"
    in_page = person.tools.evaluate(
        "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])"
    )
    assert in_page == '["",{},{}]'
    assert cookie["value"] not in person.html
    assert "<script" not in person.html


def test_two_people_in_two_browsers_see_their_own(webapp, demo, chromium):
    app = webapp(demo)
    alice, bob = chromium(app), chromium(app, BOB)
    alice.sign_in()
    bob.sign_in()
    for _ in range(2):
        assert alice.sites == ALICES_SITES
        assert bob.sites == BOBS_SITES
    bob.click("form[action='/sign-out'] button")
    assert alice.sites == ALICES_SITES, "one sign-out is one person's"
    assert bob.sites == []


def test_access_that_is_not_granted_is_told_and_can_be_tried_again(webapp, demo, chromium):
    app = webapp(demo)
    person = chromium(app)
    person.open(app.url + "/")
    person.click("form[action='/sign-in'] button")
    page = person.click("button[value=cancel]")
    person.screenshot(SCREENSHOTS / "webapp-denied.png")
    assert "Access was not granted" in page["text"]
    assert person.cookies == {}
    assert person.sign_in()["url"] == app.url + "/sites"


def test_a_page_of_another_site_can_neither_sign_out_nor_sign_in(webapp, demo, chromium):
    app = webapp(demo)
    person = chromium(app)
    person.sign_in()
    with HostilePage(app) as hostile:
        for action in ("sign-out", "sign-in"):
            person.open(hostile.url)
            page = person.click(f"button[name={action}]")
            assert "not sent by a page of this application" in page["text"]
    assert person.sites == ALICES_SITES


class HostilePage(RecordingServer):
    """A page of another site with forms that lead to the application."""

    def __init__(self, app):
        self.app = app
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}/"

    def handle(self, request):
        forms = "".join(
            f'<form method="post" action="{self.app.url}/{action}"><button name="{action}">'
            f"{action}</button></form>"
            for action in ("sign-out", "sign-in")
        )
        return Answer(body=f"<!doctype html>{forms}".encode(), type="text/html")


def test_a_session_that_the_provider_ended_leads_back_to_the_sign_in_with_the_reason(
    webapp, demo, chromium
):
    app = webapp(demo)
    person = chromium(app)
    person.sign_in()
    demo.control(revokeAllFamilies=True, revokeAllAccessTokens=True)
    page = person.open(app.url + "/sites")
    person.screenshot(SCREENSHOTS / "webapp-ended.png")
    assert "the provider has ended the session" in page["text"]
    assert person.sign_in()["url"] == app.url + "/sites"
