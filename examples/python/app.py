"""An example: a small application with a user name and a password, and a second factor
behind them by way of Countersign.

It hands the proof in at the service, which answers with what is in it, once. So it needs
nothing but Python's standard library, which has no Ed25519. One demonstration user,
nothing kept, no limit on guesses of passwords: to be read, not to be run for others.
"""

import hashlib
import hmac
import http.client
import json
import os
import secrets
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pages

PORT = int(os.environ.get("PORT") or 8080)
SERVER = (os.environ.get("COUNTERSIGN_URL") or "http://127.0.0.1:3000").rstrip("/")
API_KEY = os.environ.get("COUNTERSIGN_API_KEY")
PROFILE = os.environ.get("COUNTERSIGN_PROFILE_ID")
HOST = f"127.0.0.1:{PORT}"
BASE = f"http://{HOST}"
RETURN_URL = BASE + "/second-factor"  # one of the profile's return_urls
MAX_FORM = 8 << 10
MAX_ANSWER = 64 << 10


# ---- The user: one, for the demonstration.


def password_hash(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**15, r=8, p=3, maxmem=64 << 20, dklen=32)


PASSWORD = secrets.token_urlsafe(9)
SALT = secrets.token_bytes(16)
NAME, PHONE = "demo", os.environ.get("DEMO_PHONE") or "+12015550123"
HASH = password_hash(PASSWORD, SALT)


def right_password(name, password):
    """A wrong name takes as long as a wrong password."""
    right = hmac.compare_digest(password_hash(password, SALT), HASH)
    return hmac.compare_digest(name.encode(), NAME.encode()) and right


# ---- Sessions: the server keeps them, the browser has nothing but an id.

NOBODY, HALFWAY, EVERYTHING = 0, 1, 2  # nothing; the password; and the second factor
MAX_AGE = {HALFWAY: 40 * 60, EVERYTHING: 12 * 3600}


class Sessions:
    """All of them, by id. Threads share them."""

    def __init__(self):
        self._lock = threading.Lock()
        self._all = {}

    def find(self, key):
        with self._lock:
            found = self._all.get(key)
        return found if found and time.time() < found["until"] else {"level": NOBODY}

    def renew(self, old, level, **more):
        """Ends a session; above NOBODY another begins, under a new id: one that somebody
        knew before a level was reached is worth nothing after."""
        now = time.time()
        with self._lock:
            self._all = {k: s for k, s in self._all.items() if now < s["until"] and k != old.get("id")}
            if level == NOBODY:
                return {"level": NOBODY}
            new = {"id": secrets.token_urlsafe(24), "level": level, "since": now, "until": now + MAX_AGE[level], **more}
            self._all[new["id"]] = new
            return new

    def ask(self, session, pending):
        with self._lock:
            session["pending"] = pending

    def take_pending(self, session, state, key):
        """What was asked for, to its answer and once: an answer is good for nothing after
        it, and a link from elsewhere changes nothing."""
        with self._lock:
            asked = session.get("pending")
            if not asked or not same(state, asked["state"]) or not same(key, asked["id"]):
                return None
            return session.pop("pending")


# ---- Countersign.


class NoProof(Exception):
    """Why there is none, as a word of pages.NOTICES."""


def call(path, body):
    """Posts to the service: the status and the answer. Redirects are not followed: the
    API key goes to the address that was configured and nowhere else."""
    server = urllib.parse.urlsplit(SERVER)
    if server.scheme == "https":
        line = http.client.HTTPSConnection(server.netloc, timeout=10, context=ssl.create_default_context())
    else:
        line = http.client.HTTPConnection(server.netloc, timeout=10)
    try:
        headers = {"Authorization": "Bearer " + API_KEY, "Content-Type": "application/json"}
        line.request("POST", server.path + path, json.dumps(body), headers)
        answer = line.getresponse()
        text = answer.read(MAX_ANSWER)
        return answer.status, json.loads(text) if answer.status == 200 else text[:500]
    except (OSError, http.client.HTTPException, ValueError) as err:
        raise NoProof("service") from err
    finally:
        line.close()


def begin(session):
    """Makes a session there and says where to send the person. What the answer must match
    stays in our own session, where the person cannot change it."""
    state = secrets.token_urlsafe(24)
    status, answer = call("/v2/verification_sessions", {
        "verify_profile_id": PROFILE, "phone_number": PHONE, "return_url": RETURN_URL, "state": state,
        "purpose": "sign in to Example Notes",
    })
    if status != 200:
        print(f"Countersign answered {status}: {answer!r}", file=sys.stderr)
        raise NoProof("service")
    SESSIONS.ask(session, {"id": answer["data"]["id"], "state": state})
    return answer["data"]["url"]


def finish(session, query):
    """Reads what the person came back with: the proof's claims, or NoProof."""
    asked = SESSIONS.take_pending(session, query.get("state"), query.get("session_id"))
    if not asked:
        raise NoProof("state")
    if "error" in query:
        raise NoProof(query["error"] if query["error"] in ("canceled", "expired") else "proof")
    # The id is the one that we were told when we asked, never the one in the address.
    status, answer = call(f"/v2/verification_sessions/{asked['id']}/redeem", {"proof": query.get("proof", "")[:MAX_FORM]})
    if status != 200:
        raise NoProof("service" if status >= 500 or status in (401, 403, 429) else "proof")
    claims = answer["data"]
    # The service has checked signature, time and that it is the first time. What it means
    # here is for us to check.
    right = (
        same(claims.get("aud"), PROFILE) and same(claims.get("nonce"), asked["state"]) and same(claims.get("jti"), asked["id"])
        and claims.get("assurance") in ("restricted", "out_of_band")  # address_confirmed is an e-mail, and no second factor
        and claims.get("address_given") is True  # else the person typed a number of their own, which is anybody's
    )
    if not right:
        raise NoProof("proof")
    return claims


def same(a, b):
    return hmac.compare_digest(str(a).encode(), str(b).encode())


# ---- The pages.


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        self.serve({"/": self.home, "/page.css": self.style, "/second-factor": self.come_back})

    def do_POST(self):
        self.serve({"/sign-in": self.sign_in, "/second-step": self.second_step, "/sign-out": self.sign_out})

    def serve(self, routes):
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self.session, self.cookie = SESSIONS.find(self.session_id()), None
        length = int(self.headers.get("Content-Length") or 0) if (self.headers.get("Content-Length") or "0").isdigit() else -1
        if not 0 <= length <= MAX_FORM or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            return self.answer(413, b"That is too long.\n")
        self.form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode("utf-8", "replace"), keep_blank_values=True))
        if self.headers.get("Host") != HOST:  # localhost has other cookies than 127.0.0.1
            return self.redirect(BASE)
        if self.command == "POST" and self.from_elsewhere():
            return self.answer(403, b"This form was sent by another site.\n")
        route = routes.get(url.path)
        return route() if route else self.answer(404, b"There is no such page.\n")

    def home(self):
        self.show(notice=self.query.get("notice"))

    def style(self):
        self.answer(200, pages.STYLE, "text/css; charset=utf-8")

    def sign_in(self):
        name = self.form.get("name", "")
        if not right_password(name, self.form.get("password", "")):
            return self.show(422, notice="password", name=name)
        self.renew(HALFWAY)
        return self.second_step()

    def second_step(self):
        if self.session["level"] != HALFWAY:
            return self.redirect("/?notice=again")
        try:
            return self.redirect(begin(self.session))
        except NoProof as why:
            return self.without(why)

    def come_back(self):
        if self.session["level"] == NOBODY:
            return self.redirect("/?notice=again")
        if self.session["level"] == EVERYTHING:  # by the back button, and the link on Countersign's last page
            return self.redirect("/")
        try:
            claims = finish(self.session, self.query)
        except NoProof as why:
            return self.without(why)
        self.renew(EVERYTHING, channel=claims["channel"])
        return self.redirect("/")

    def sign_out(self):
        self.renew(NOBODY)
        self.redirect("/")

    def without(self, why):
        """Whoever has no proof stays where they were."""
        print("no second factor:", why, why.__cause__ or "", file=sys.stderr)
        self.redirect(f"/?notice={why}")

    # What lies below knows nothing of second factors.

    def session_id(self):
        for part in self.headers.get("Cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == "session":
                return value
        return None

    def renew(self, level, **more):
        """Lax, not Strict: the person comes back by a link of another site. Behind https it
        would be Secure as well, and its name begin with __Host-."""
        self.session = SESSIONS.renew(self.session, level, **more)
        self.cookie = f"session={self.session.get('id', '')}; Path=/; HttpOnly; SameSite=Lax; Max-Age={MAX_AGE.get(level, 0)}"

    def from_elsewhere(self):
        """Whether another site's page sent a form: browsers say so themselves, and there is
        no token to carry."""
        site = self.headers.get("Sec-Fetch-Site")
        if site:
            return site not in ("same-origin", "none")
        return self.headers.get("Origin", BASE) != BASE

    def show(self, status=200, notice=None, name=""):
        s = self.session
        known = name if s["level"] == NOBODY else NAME
        self.answer(status, pages.page(s["level"], known, notice, s.get("channel"), s.get("since", 0)), "text/html; charset=utf-8")

    def redirect(self, to):
        self.answer(303, b"", location=to)

    def answer(self, status, body, kind="text/plain; charset=utf-8", location=None):
        self.send_response(status)
        for name, value in {
            # Chrome holds redirects after a form against form-action too: one leads to Countersign.
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action 'self' {SERVER}",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Location": location,
            "Set-Cookie": self.cookie,
        }.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: an address may have a proof in it."""


if __name__ == "__main__":
    if not API_KEY or not PROFILE:
        sys.exit("Set COUNTERSIGN_URL, COUNTERSIGN_API_KEY and COUNTERSIGN_PROFILE_ID, as countersign dev prints them.")
    SESSIONS = Sessions()
    with ThreadingHTTPServer(("127.0.0.1", PORT), Handler) as httpd:
        print(f"This is a demonstration. Open {BASE}\nuser name: {NAME}\npassword:  {PASSWORD}", flush=True)
        try:
            httpd.serve_forever()
        except KeyboardInterrupt:
            pass
