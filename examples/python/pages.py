"""The pages of the example, as text."""

import html
import pathlib
import string
import time

HERE = pathlib.Path(__file__).parent
STYLE = (HERE / "page.css").read_bytes()
LAYOUT = string.Template((HERE / "page.html").read_text(encoding="utf-8"))

NOTICES = {
    "password": "That user name and password do not belong together.",
    "again": "Please sign in first.",
    "canceled": "You left before the second step was done. Try again whenever you like.",
    "state": "That answer was not for this visit. Please try the second step again.",
    "expired": "That took too long. Please try the second step again.",
    "proof": "That answer was not good, or too old. Please try the second step again.",
    "service": "The second step does not work at the moment. Please try again in a minute.",
}
CHANNELS = {"sms": "Text message", "call": "Phone call", "whatsapp": "WhatsApp"}
TITLES = ["Sign in", "One more step", "Welcome back"]
BODIES = [
    """<h1>Sign in</h1>
		<p>Your password first, then a code to your phone.</p>
		<form method="post" action="/sign-in">
			<label for="name">User name</label>
			<input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required value="{name}">
			<label for="password">Password</label>
			<input id="password" name="password" type="password" autocomplete="current-password" required>
			<button>Continue</button>
		</form>""",
    """<h1>One more step</h1>
		<p>Your password was right. To sign in as <strong>{name}</strong>, confirm that you have your phone with you.</p>
		<form method="post" action="/second-step"><button>Send me a code</button></form>
		<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>""",
    """<h1>Welcome back</h1>
		<p class="notice done">You are signed in, with two factors.</p>
		<dl>
			<dt>User</dt><dd>{name}</dd>
			<dt>Second factor</dt><dd>{channel}</dd>
			<dt>Confirmed at</dt><dd>{at} UTC</dd>
		</dl>
		<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>""",
]


def page(level, name="", notice=None, channel=None, since=0.0):
    """The page for a level of the session, as bytes."""
    said = NOTICES.get(notice)
    body = BODIES[level].format(
        name=html.escape(name),
        channel=html.escape(CHANNELS.get(channel, "")),
        at=time.strftime("%H:%M", time.gmtime(since)),
    )
    return LAYOUT.substitute(
        title=("Notice: " if said else "") + TITLES[level],
        notice=f'<p class="notice" role="alert">{said}</p>' if said else "",
        body=body,
    ).encode()
