// The one page of the example, as text.

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const text = (s) => String(s ?? '').replace(/[&<>"']/g, (c) => escapes[c]);
const channels = { sms: 'Text message', call: 'Phone call', whatsapp: 'WhatsApp' };

const bodies = [
  ({ name }) => `
    <h1>Sign in</h1>
    <p>Your password first, then a code to your phone.</p>
    <form method="post" action="/sign-in">
      <label for="name">User name</label>
      <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required value="${text(name)}">
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password" required>
      <button>Continue</button>
    </form>`,
  ({ name }) => `
    <h1>One more step</h1>
    <p>Your password was right. To sign in as <strong>${text(name)}</strong>, confirm that you have your phone with you.</p>
    <form method="post" action="/second-step"><button>Send me a code</button></form>
    <form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`,
  ({ name, channel, since }) => `
    <h1>Welcome back</h1>
    <p class="notice done">You are signed in, with two factors.</p>
    <dl>
      <dt>User</dt><dd>${text(name)}</dd>
      <dt>Second factor</dt><dd>${text(channels[channel])}</dd>
      <dt>Confirmed at</dt><dd>${since.toISOString().slice(11, 16)} UTC</dd>
    </dl>
    <form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`,
];
const titles = ['Sign in', 'One more step', 'Welcome back'];

export const page = (view) => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${view.notice ? 'Notice: ' : ''}${titles[view.level]} - Example Notes</title>
  <link rel="stylesheet" href="/page.css">
  <link rel="icon" href="data:,">
</head>
<body>
  <header><span aria-hidden="true">N</span>Example Notes</header>
  <main>
    ${view.notice ? `<p class="notice" role="alert">${text(view.notice)}</p>` : ''}${bodies[view.level](view)}
  </main>
  <footer>A demonstration in JavaScript. Nothing here is kept.</footer>
</body>
</html>
`;
