package twilioapi

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// Page sizes, as Twilio documents them.
const (
	defaultPage = 50
	maxPage     = 1000
)

// page is the part of a list that a request asks for. Twilio's SDKs follow the address
// of the next one, whose token says where it begins.
type page struct {
	number, size, offset int
	// pin is when the first page was read, in Unix milliseconds, where what comes later
	// must not push the rest along; zero otherwise.
	pin int64
	// below is the attempt after which a page of attempts begins, so that those before it
	// need not be read; zero: offset says it. rest is where the next page begins.
	below, rest verify.DeliveryKey
}

// page reads Page, PageSize and PageToken.
func (f *form) page() page {
	p := page{number: f.whole("Page", 0, 1<<31, 0), size: f.whole("PageSize", 1, maxPage, defaultPage)}
	p.offset = p.number * p.size
	token := f.text("PageToken")
	if token == "" {
		return p
	}
	at, pin, _ := strings.Cut(strings.TrimPrefix(token, "PT"), "-")
	pin, below, ended := strings.Cut(pin, "-")
	var err1, err2 error
	p.offset, err1 = strconv.Atoi(at)
	if pin != "" {
		p.pin, err2 = strconv.ParseInt(pin, 10, 64)
	}
	if ended {
		id, isID := idOf("", below)
		key, isKey := verify.DeliveryOf(id)
		ended, p.below = !isID || !isKey, key
	}
	if err1 != nil || err2 != nil || ended || p.offset < 0 || p.pin < 0 {
		f.fail("PageToken", "it must be one that a list has returned")
	}
	return p
}

// meta is what Twilio says of a page.
type meta struct {
	Page            int     `json:"page"`
	PageSize        int     `json:"page_size"`
	FirstPageURL    string  `json:"first_page_url"`
	PreviousPageURL *string `json:"previous_page_url"`
	URL             string  `json:"url"`
	NextPageURL     *string `json:"next_page_url"`
	Key             string  `json:"key"`
}

// noPage stands for a page that there is not.
const noPage = -1

// list is the answer to a request for a list. next and previous are where those pages
// begin, or noPage.
func (r *request) list(key string, items any, p page, previous, next int) any {
	m := meta{
		Page: p.number, PageSize: p.size, Key: key,
		FirstPageURL: r.pageURL(page{size: p.size}), URL: r.pageURL(p),
	}
	if previous != noPage {
		m.PreviousPageURL = orNull(r.pageURL(page{number: p.number - 1, size: p.size, offset: previous, pin: p.pin}))
	}
	if next != noPage {
		m.NextPageURL = orNull(r.pageURL(page{number: p.number + 1, size: p.size, offset: next, pin: p.pin, below: p.rest}))
	}
	return map[string]any{key: items, "meta": m}
}

// pageURL is the whole address of a page of the list that was asked for, with its
// filters.
func (r *request) pageURL(p page) string {
	q := url.Values{}
	for name, values := range r.form.values {
		if name != "Page" && name != "PageSize" && name != "PageToken" {
			q[name] = values
		}
	}
	q.Set("PageSize", strconv.Itoa(p.size))
	q.Set("Page", strconv.Itoa(max(0, p.number)))
	if p.offset > 0 {
		token := "PT" + strconv.Itoa(p.offset)
		if p.pin > 0 {
			token += fmt.Sprintf("-%d", p.pin)
		}
		if p.below != (verify.DeliveryKey{}) {
			token += "-" + sid("", p.below.ID())
		}
		q.Set("PageToken", token)
	}
	return r.base + r.URL.EscapedPath() + "?" + q.Encode()
}

// listed reads a page with find and shows each of it.
func listed[T, V any](r *request, key string, parent verify.ID, find func(context.Context, string, tenant.Query) ([]T, int, error), show func(T) V) (any, error) {
	p := r.form.page()
	if r.form.err != nil {
		return nil, r.form.err
	}
	found, total, err := find(r.Context(), r.who.Tenant, tenant.Query{Parent: parent, Offset: p.offset, Limit: p.size})
	if err != nil {
		return nil, err
	}
	items := make([]V, 0, len(found))
	for _, t := range found {
		items = append(items, show(t))
	}
	return r.list(key, items, p, p.before(), p.after(len(found), total)), nil
}

// before is where the page before this one begins.
func (p page) before() int {
	if p.offset == 0 {
		return noPage
	}
	return max(0, p.offset-p.size)
}

// after is where the next page begins, if this one holds n of total.
func (p page) after(n, total int) int {
	if n == 0 || p.offset+n >= total {
		return noPage
	}
	return p.offset + n
}
