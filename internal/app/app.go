// Package app puts the parts together: it reads the configuration, refuses the
// unsafe, opens what is needed, serves until it is told to stop, and closes
// everything in the order in which nothing accepted is lost. It decides nothing
// about verifications. It and main are the only places that read the clock.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"countersign/internal/deliver"
	"countersign/internal/deliver/inbox"
	"countersign/internal/deliver/receipt"
	"countersign/internal/events"
	"countersign/internal/ledger"
	"countersign/internal/pages"
	"countersign/internal/proof"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// How long requests in hand and then sends in hand may take once the server is told
// to stop. A send has longer than a carrier's time-out. What is not sent by then
// is in the outbox.
const (
	drainRequests = 10 * time.Second
	drainSends    = 15 * time.Second
)

// App is a running service, but for its listener.
type App struct {
	config     Config
	settings   settings
	keys       *secret.Ring
	carriers   carriers
	clock      func() time.Time
	log        *slog.Logger
	store      verify.Store
	directory  *tenant.Directory
	ledger     *ledger.Ledger
	dispatcher *deliver.Dispatcher
	events     *events.Dispatcher
	signer     *events.Signer
	proofs     *proof.Signer
	subjects   *tenant.Seed // of proofs
	keeper     *keeper
	keepEvery  time.Duration

	compareClocks func(context.Context) error // nil where there is nothing to compare
	watch         *keyWatch
	control       *control
	server        *http.Server
	stopping      context.Context //nolint:containedctx // ends when the service begins to stop: streams watch it
	stop          context.CancelFunc
	devKey        string
	account       verify.ID // of the development key
}

// Options are what tests replace. Zero values are right for a program.
type Options struct {
	Now       func() time.Time
	Log       *slog.Logger
	KeepEvery time.Duration // between two rounds of housekeeping
	// WrapStore puts something round the store, such as faults.
	WrapStore func(verify.Store) verify.Store
}

// Open checks the configuration and opens everything but the listener. The error
// says in sentences what is wrong and what to do. Close ends it.
func Open(ctx context.Context, c Config, o Options) (*App, error) {
	a := &App{config: c, clock: o.Now, log: o.Log}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.log = slog.New(withRequestID{a.log.Handler()})
	if a.clock == nil {
		a.clock = NewClock(time.Now).Now
	}
	if a.keepEvery = o.KeepEvery; a.keepEvery == 0 {
		a.keepEvery = keepEvery
	}
	var err error
	if a.settings, err = a.config.check(); err != nil {
		return nil, err
	}
	read := stamp(a.config.KeyFile) // before it is read: a later change is to be seen
	full, err := a.config.openKeys()
	if err != nil {
		return nil, err
	}
	if read == (fileStamp{}) { // it was made just now
		read = stamp(a.config.KeyFile)
	}
	a.keys = full.At(a.clock())
	within := context.WithoutCancel(ctx)
	a.carriers, err = a.config.openCarriers(carrierDeps{
		now: a.clock, log: a.log, production: !a.config.development(),
		receive: func(carrier string, r verify.Receipt) {
			if err := a.dispatcher.Receive(within, carrier, r); err != nil {
				a.log.Error("a receipt could not be stored", "carrier", carrier, "cause", err)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	opened, err := a.settings.database.open(ctx)
	if err != nil {
		return nil, err
	}
	a.store = opened
	if o.WrapStore != nil {
		a.store = o.WrapStore(a.store)
	}
	if o.Now == nil { // a clock that a test gives need not be right
		a.compareClocks = func(ctx context.Context) error { return compareClocks(ctx, a.store, a.clock) }
		err = a.compareClocks(ctx)
	}
	if err == nil {
		err = errors.Join(markKeys(ctx, a.store, a.keys), openProfile(ctx, a.store, &a.settings.profile, a.clock()))
	}
	if err == nil {
		err = a.openDirectory(ctx, opened)
	}
	if err == nil {
		err = a.start(ctx, opened)
	}
	if err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	a.watch = &keyWatch{path: a.config.KeyFile, read: read, full: full, ring: a.keys, store: a.store, now: a.clock, log: a.log}
	a.watch.start()
	orders := &operator{
		store: a.store, ledger: a.ledger, keys: a.keys, directory: a.directory, region: a.settings.region, now: a.clock,
		explainer: a.dispatcher.Explain,
	}
	a.control = a.settings.database.listen(ctx, orders, a.log)
	a.warnWithoutKeys(ctx, orders)
	for _, w := range a.config.warnings {
		a.log.Warn(w)
	}
	return a, nil
}

// start runs the engine on the open store and makes the server.
func (a *App) start(ctx context.Context, st tenant.Store) error {
	env := &verify.Env{
		Keys: a.keys, Random: rand.Reader, Node: rand.Text()[:12], Limits: a.settings.limits,
		Channels: a.config.channels(),
	}
	table, err := a.config.table()
	if err != nil {
		return err
	}
	pace, err := a.config.pace()
	if err != nil {
		return err
	}
	box := a.carriers.box
	e := &engine{store: a.store, keys: a.keys, now: a.clock, box: box}
	a.dispatcher = deliver.New(deliver.Config{
		Senders: a.carriers.senders, Table: table, Pace: pace, Outbox: e, Keys: a.keys, Now: a.clock, Log: a.log, Alone: a.settings.database.alone(),
	})
	a.openEvents(e, st)
	a.openProofs(st)
	a.ledger = ledger.New(ledger.Config{
		Store: a.store, Env: env, Now: a.clock, Deliver: a.dispatcher.Offer, Tell: a.events.Offer, Log: a.log,
		Writers: a.settings.database.writers(),
	})
	e.ledger, e.dispatcher = a.ledger, a.dispatcher
	a.stopping, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	handler, err := a.handler(e, box)
	if err == nil {
		err = a.dispatcher.Run(ctx)
	}
	if err == nil {
		if err = a.events.Run(ctx); err != nil {
			a.dispatcher.Close(ctx)
		}
	}
	if err != nil {
		a.ledger.Close()
		return err
	}
	a.keeper = &keeper{
		store: a.store, ledger: a.ledger, keys: a.keys, others: []rekeyer{a.directory, a.signer, a.subjects},
		now: a.clock, log: a.log, compareClocks: a.compareClocks,
	}
	a.keeper.start(a.keepEvery)
	a.carriers.start(context.WithoutCancel(ctx))
	a.server = newServer(handler, a.log)
	a.server.RegisterOnShutdown(a.stop)
	if box != nil {
		a.server.RegisterOnShutdown(box.Close) // sends waiting polls away, which would hold the drain up
	}
	return nil
}

// channels are those that any carrier takes.
func (c *Config) channels() []verify.Channel {
	var out []verify.Channel
	for _, k := range c.Carriers {
		out = append(out, k.channels()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// handler mounts the pages, the dialect and, in development, the inbox.
func (a *App) handler(e *engine, box *inbox.Inbox) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte("ok\n")) // the client may be gone: nobody to tell
	})
	if err := a.mountDialects(mux, e); err != nil {
		return nil, err
	}
	mux.Handle(receipt.Prefix, receipt.Handler(receipt.Config{
		Receivers: a.carriers.receivers, Public: a.base, Take: a.dispatcher.Receive, Now: a.clock, Log: a.log,
	}))
	pc := pages.Config{
		Engine: e, Keys: a.keys, Profile: a.settings.profile, Region: a.settings.region, Now: a.clock, Log: a.log,
		Rules: a.sessionRules, AppName: a.sessionApp, Prove: a.prove, Stop: a.stopping,
		Secure:  a.settings.publicURL != nil && a.settings.publicURL.Scheme == "https",
		Network: func(r *http.Request) string { return network(r, a.settings.proxies) },
	}
	if domain := a.pagesDomain(); domain != "" {
		pc.Profile.Domain = domain
	}
	if a.config.development() {
		pc.Dir = pagesDir()
	}
	if box != nil {
		pc.InboxURL = "/dev/inbox"
		mux.Handle("/dev/", loopbackNames(box.Handler()))
	}
	var err error
	if pc.Style, pc.Logo, err = a.config.Pages.looks(); err != nil {
		return nil, err
	}
	site, err := pages.New(pc)
	if err != nil {
		return nil, err
	}
	mux.Handle("/", site)
	return withLog(a.log, a.clock, mux), nil
}

// pagesDir is where the templates stand in a checkout, so that an edit shows at
// the next request; empty, which means the embedded ones, anywhere else.
func pagesDir() string {
	const dir = "internal/pages"
	if _, err := os.Stat(dir + "/pages.go"); err != nil {
		return ""
	}
	return dir
}

// Listen opens the configured listener. The error says what to do.
func (a *App) Listen(ctx context.Context) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.config.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; choose another address with listen or --listen", a.config.Listen, err)
	}
	return l, nil
}

// Serve answers requests from l until ctx ends, then drains: requests in hand are
// answered, and what was accepted is sent or stays in the outbox. Then everything
// is closed.
func (a *App) Serve(ctx context.Context, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- a.server.Serve(l) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		a.log.Info("draining", "at_most", drainRequests+drainSends)
	}
	return errors.Join(err, a.Close())
}

// Close drains and closes everything. Serve calls it.
func (a *App) Close() error {
	requests, cancel := context.WithTimeout(context.Background(), drainRequests)
	defer cancel()
	err := a.server.Shutdown(requests)
	if err != nil {
		err = errors.Join(err, a.server.Close())
	}
	err = errors.Join(err, a.control.close(requests))
	a.watch.close()
	a.keeper.close()
	sends, cancel := context.WithTimeout(context.Background(), drainSends)
	defer cancel()
	a.dispatcher.Close(sends)
	err = errors.Join(err, a.carriers.close(sends))
	a.events.Close(sends) // after those whose reports are events
	a.ledger.Close()
	return errors.Join(err, a.store.Close())
}

// Started says where a running service is, for people and scripts.
type Started struct {
	URL       string `json:"url"`
	InboxURL  string `json:"inbox_url,omitempty"`
	APIKey    string `json:"api_key,omitempty"`
	ProfileID string `json:"profile_id"`

	// The same as Twilio's SDKs want it. The token is the API key.
	TwilioAccountSID string `json:"twilio_account_sid,omitempty"`
	TwilioAuthToken  string `json:"twilio_auth_token,omitempty"`
	TwilioServiceSID string `json:"twilio_service_sid"`
}

// Describe says where the service on l is. The API key is that of development.
func (a *App) Describe(l net.Listener) Started {
	base := &url.URL{Scheme: "http", Host: l.Addr().String()}
	if a.settings.publicURL != nil {
		base = a.settings.publicURL
	}
	s := Started{
		URL: base.Scheme + "://" + base.Host, APIKey: a.devKey, ProfileID: a.settings.profile.ID.String(),
		TwilioServiceSID: sid("VA", a.settings.profile.ID), TwilioAuthToken: a.devKey,
	}
	if a.devKey != "" {
		s.TwilioAccountSID = sid("AC", a.account)
	}
	if slices.ContainsFunc(a.config.Carriers, func(k CarrierConfig) bool { return k.Type == "inbox" }) {
		s.InboxURL = s.URL + "/dev/inbox"
	}
	return s
}
