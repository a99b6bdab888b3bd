// In a window that the application opened: the last page hands the result to that window,
// at the application's own origin and nowhere else. So does whoever gives up.
"use strict";

if (window.opener) {
	const tell = (origin, message) => {
		window.opener.postMessage({ type: "countersign", ...message }, origin);
		setTimeout(() => window.close(), 2000); // the other window closes this one as soon as it has heard
	};
	const home = document.querySelector("[data-home]")?.dataset;
	if (home) tell(home.home, { session_id: home.session, state: home.state, proof: home.proof });
	const cancel = document.querySelector("[data-cancel]");
	cancel?.addEventListener("click", (event) => {
		event.preventDefault();
		const { cancel: origin, session, state } = cancel.dataset;
		tell(origin, { session_id: session, state, error: "canceled" });
	});
}
