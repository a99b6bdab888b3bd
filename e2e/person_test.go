package e2e_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// call asks the service's API and reads the answer into out, whatever its status, which
// it returns.
func (s *service) call(t *testing.T, method, path string, in, out any) int {
	t.Helper()
	body := ""
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		body = string(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.APIKey)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("%s %s: %d, %v: %.300s", method, path, res.StatusCode, err, text)
	}
	return res.StatusCode
}

// newProfile makes a profile whose sessions may lead back to these addresses.
func (s *service) newProfile(t *testing.T, returns ...string) string {
	t.Helper()
	var made struct{ Data struct{ ID string } }
	status := s.call(t, http.MethodPost, "/v2/verify_profiles", map[string]any{
		"name": "Example Notes", "return_urls": returns, "sms": map[string]any{"app_name": "Example Notes"},
	}, &made)
	if status != http.StatusOK && status != http.StatusCreated || made.Data.ID == "" {
		t.Fatalf("no profile was made: %d", status)
	}
	return made.Data.ID
}

// session is a verification session, as the API shows it.
type session struct {
	ID, URL, Status string
}

func (s *service) newSession(t *testing.T, ask map[string]any) session {
	t.Helper()
	var made struct{ Data session }
	if status := s.call(t, http.MethodPost, "/v2/verification_sessions", ask, &made); status != http.StatusOK {
		t.Fatalf("no session was made: %d", status)
	}
	return made.Data
}

// person is a browser without scripts: it keeps cookies, and sends forms as they stand
// in the page that it is at.
type person struct {
	t      *testing.T
	client *http.Client
	at     *url.URL
	status int
	page   string
}

func newPerson(t *testing.T) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, client: &http.Client{Jar: jar}}
}

func (p *person) send(req *http.Request, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := p.client.Do(req.WithContext(p.t.Context()))
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.at, p.status, p.page = res.Request.URL, res.StatusCode, string(body)
}

func (p *person) open(address string) {
	p.t.Helper()
	p.send(http.NewRequest(http.MethodGet, address, nil))
}

var (
	formOf   = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	hiddenOf = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	buttonOf = regexp.MustCompile(`<button[^>]* name="([^"]*)" value="([^"]*)"`)
	homeOf   = regexp.MustCompile(`<a class="button" href="([^"]*)"`)
	cancelOf = regexp.MustCompile(`<p class="aside quiet"><a href="([^"]*)"`)
)

// submit sends the form of the page whose action ends so, with these fields besides
// what stands in it, by its first button.
func (p *person) submit(action string, fields map[string]string) {
	p.t.Helper()
	for _, form := range formOf.FindAllStringSubmatch(p.page, -1) {
		if !strings.HasSuffix(form[1], action) {
			continue
		}
		values := url.Values{}
		given := hiddenOf.FindAllStringSubmatch(form[2], -1)
		if button := buttonOf.FindStringSubmatch(form[2]); button != nil {
			given = append(given, button)
		}
		for _, g := range given {
			values.Set(html.UnescapeString(g[1]), html.UnescapeString(g[2]))
		}
		for name, value := range fields {
			values.Set(name, value)
		}
		to, err := p.at.Parse(html.UnescapeString(form[1]))
		if err != nil {
			p.t.Fatal(err)
		}
		req, err := http.NewRequest(http.MethodPost, to.String(), strings.NewReader(values.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Origin", p.at.Scheme+"://"+p.at.Host)
			req.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		p.send(req, err)
		return
	}
	p.t.Fatalf("no form leads to %s at %s:\n%s", action, p.at.Path, p.page)
}

// link is where a link of the page leads.
func (p *person) link(of *regexp.Regexp) string {
	p.t.Helper()
	found := of.FindStringSubmatch(p.page)
	if found == nil {
		p.t.Fatalf("no such link at %s (%d):\n%s", p.at.Path, p.status, p.page)
	}
	to, err := p.at.Parse(html.UnescapeString(found[1]))
	if err != nil {
		p.t.Fatal(err)
	}
	return to.String()
}

func (p *person) says(want ...string) {
	p.t.Helper()
	for _, w := range want {
		if !strings.Contains(p.page, w) {
			p.t.Fatalf("%s (%d) does not say %q:\n%s", p.at.Path, p.status, w, p.page)
		}
	}
}

// verify goes through the service's pages, from the one that asks whether to send a
// code, and returns where the last one leads.
func (p *person) verify(s *service, number string) *url.URL {
	p.t.Helper()
	before := s.last(p.t, number)
	p.submit("/request", nil)
	p.submit("/verify", map[string]string{"code": s.message(p.t, number, before).Code})
	back, err := url.Parse(p.link(homeOf))
	if err != nil || !back.Query().Has("proof") {
		p.t.Fatalf("the person is sent to %v", back)
	}
	return back
}

// last is the id of the newest message to a number; empty if there is none.
func (s *service) last(t *testing.T, number string) (id string) {
	t.Helper()
	var list struct{ Data []struct{ ID string } }
	s.call(t, http.MethodGet, "/dev/messages?"+url.Values{"to": {number}}.Encode(), nil, &list)
	newest := -1
	for _, m := range list.Data {
		var n int
		if _, err := fmt.Sscan(m.ID, &n); err == nil && n > newest {
			newest, id = n, m.ID
		}
	}
	return id
}

// change is an address with a parameter set.
func change(of *url.URL, name, value string) string {
	changed, query := *of, of.Query()
	query.Set(name, value)
	changed.RawQuery = query.Encode()
	return changed.String()
}
