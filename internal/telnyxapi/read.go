package telnyxapi

import (
	"bytes"
	"math"
	"net/url"
	"slices"
	"strconv"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

func (a *api) retrieve(r *request) (any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v, err := a.find(r, id)
	if err != nil {
		return nil, err
	}
	to, err := v.To(a.Keys)
	if err != nil {
		return nil, err
	}
	return a.show(*v, to), nil
}

// find reads a verification of the tenant. Refusals: NotFound.
func (a *api) find(r *request, id verify.ID) (*verify.Verification, error) {
	v, err := a.Engine.Verification(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if v == nil || v.Tenant != r.who.Tenant {
		return nil, &verify.Error{Kind: verify.NotFound}
	}
	return v, nil
}

// maxListed bounds how many verifications of a number each profile is asked for, and
// maxOfNumber how many all are: each is a read of its own, and a tenant may have a
// thousand profiles.
const (
	maxListed   = 250
	maxOfNumber = 1000
)

// listByNumber shows what was begun for a number, over all profiles, the newest first.
func (a *api) listByNumber(r *request) (any, error) {
	number, err := parseNumber(new(r.PathValue("phone")))
	if err != nil {
		return nil, err
	}
	n, size, err := paging(r.URL.Query())
	if err != nil {
		return nil, err
	}
	var all []verify.Verification
	profiles, _, err := a.Directory.Profiles(r.Context(), r.who.Tenant, tenant.Query{Limit: math.MaxInt})
	if err != nil {
		return nil, err
	}
	for _, p := range profiles {
		if len(all) >= maxOfNumber {
			break
		}
		to := verify.Target{Tenant: r.who.Tenant, Profile: p.ID, Address: verify.Phone(number)}
		some, err := a.Engine.History(r.Context(), to, min(maxListed, maxOfNumber-len(all)))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(x, y verify.Verification) int { return bytes.Compare(y.ID[:], x.ID[:]) }) // ids begin with their time
	from := min((n-1)*size, len(all))
	shown := []verification{}
	for _, v := range all[from:min(from+size, len(all))] {
		shown = append(shown, a.show(v, verify.Phone(number)))
	}
	return page{shown, newMeta(n, size, len(all))}, nil
}

// page is a list with what the SDKs' pagers need: they go on until page_number is
// total_pages, so that it must be the page that was asked for.
type page struct {
	Data any  `json:"data"`
	Meta meta `json:"meta"`
}

type meta struct {
	PageNumber   int `json:"page_number"`
	PageSize     int `json:"page_size"`
	TotalPages   int `json:"total_pages"`
	TotalResults int `json:"total_results"`
}

func newMeta(number, size, total int) meta {
	return meta{number, size, (total + size - 1) / size, total}
}

// Bounds of page[size], and of page[number] so that it can be multiplied.
const (
	pageSize    = 20
	maxPageSize = 250
	maxPage     = 1_000_000
)

// paging reads page[number], from 1, and page[size].
func paging(q url.Values) (number, size int, err error) {
	read := func(name string, otherwise, most int) int {
		text := q.Get(name)
		if text == "" {
			return otherwise
		}
		n, bad := strconv.Atoi(text)
		if err == nil && (bad != nil || n < 1 || n > most) {
			err = problem(outOfRange, "", name+" must be a whole number of 1 to "+strconv.Itoa(most)+".")
		}
		return n
	}
	return read("page[number]", 1, maxPage), read("page[size]", pageSize, maxPageSize), err
}
