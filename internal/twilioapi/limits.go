package twilioapi

import (
	"errors"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// rateLimit is a rate limit as Twilio shows it.
type rateLimit struct {
	SID         string            `json:"sid"`
	ServiceSID  string            `json:"service_sid"`
	AccountSID  string            `json:"account_sid"`
	UniqueName  string            `json:"unique_name"`
	Description string            `json:"description"`
	DateCreated string            `json:"date_created"`
	DateUpdated string            `json:"date_updated"`
	URL         string            `json:"url"`
	Links       map[string]string `json:"links"`
}

// bucket is one figure of a rate limit as Twilio shows it: so many messages in an
// interval of seconds.
type bucket struct {
	SID          string `json:"sid"`
	RateLimitSID string `json:"rate_limit_sid"`
	ServiceSID   string `json:"service_sid"`
	AccountSID   string `json:"account_sid"`
	Max          int    `json:"max"`
	Interval     int    `json:"interval"`
	DateCreated  string `json:"date_created"`
	DateUpdated  string `json:"date_updated"`
	URL          string `json:"url"`
}

// under finds the service and the rate limit that a path names, the limit by its sid or
// its name.
func (a *api) under(serve func(*request, tenant.RateLimit) (any, error)) serve {
	return a.in(func(r *request, p tenant.Profile) (any, error) {
		name := r.PathValue("limit")
		id, isSID := idOf(sidRateLimit, name)
		var l tenant.RateLimit
		var err error
		if isSID {
			l, err = a.Directory.RateLimits.Find(r.Context(), r.who.Tenant, id)
		} else {
			l, err = a.Directory.RateLimits.Named(r.Context(), r.who.Tenant, p.ID, name)
		}
		if err != nil {
			return nil, err
		}
		if l.Parent != p.ID {
			return nil, notFound()
		}
		return serve(r, l)
	})
}

func (a *api) createLimit(r *request, p tenant.Profile) (any, error) {
	l := tenant.RateLimit{Meta: tenant.Meta{Parent: p.ID}, Name: r.form.text("UniqueName"), Description: r.form.text("Description")}
	if r.form.err != nil {
		return nil, r.form.err
	}
	l, err := a.Directory.RateLimits.Add(r.Context(), r.who.Tenant, l)
	if err != nil {
		return nil, limitName(recast(err, verify.Taken, codeRateLimitExists, "Rate limit exists: the service has one of this UniqueName."))
	}
	return r.showLimit(l), nil
}

// limitName gives a bad name of a rate limit the code that it has of its own.
func limitName(err error) error {
	if e, ok := errors.AsType[*verify.Error](err); ok && e.Kind == verify.Invalid && e.Field == verify.FieldName {
		return refuse(codeRateLimitName, "Invalid parameter: UniqueName: it must be 1 to 64 letters, digits, _, . and -.")
	}
	return err
}

func (a *api) listLimits(r *request, p tenant.Profile) (any, error) {
	return listed(r, "rate_limits", p.ID, a.Directory.RateLimits.List, r.showLimit)
}

func (a *api) fetchLimit(r *request, l tenant.RateLimit) (any, error) { return r.showLimit(l), nil }

func (a *api) updateLimit(r *request, l tenant.RateLimit) (any, error) {
	l, err := a.Directory.RateLimits.Change(r.Context(), r.who.Tenant, l.ID, func(l *tenant.RateLimit) error {
		if r.form.given("Description") {
			l.Description = r.form.text("Description")
		}
		return r.form.err
	})
	if err != nil {
		return nil, err
	}
	return r.showLimit(l), nil
}

func (a *api) deleteLimit(r *request, l tenant.RateLimit) (any, error) {
	_, err := a.Directory.RateLimits.Drop(r.Context(), r.who.Tenant, l.ID)
	return nil, err
}

func (a *api) createBucket(r *request, l tenant.RateLimit) (any, error) {
	r.form.need("Max")
	r.form.need("Interval")
	b := tenant.Bucket{Meta: tenant.Meta{Parent: l.ID}}
	if err := r.changeBucket(&b); err != nil {
		return nil, err
	}
	b, err := a.Directory.Buckets.Add(r.Context(), r.who.Tenant, b)
	if err != nil {
		return nil, bucketRefused(recast(err, verify.Full, codeTooManyBuckets, "Too many buckets: the rate limit has as many as it may have."))
	}
	return r.showBucket(l, b), nil
}

func bucketRefused(err error) error {
	return recast(err, verify.Taken, codeBucketExists, "Bucket exists: the rate limit has one of this Interval.")
}

func (a *api) listBuckets(r *request, l tenant.RateLimit) (any, error) {
	return listed(r, "buckets", l.ID, a.Directory.Buckets.List, func(b tenant.Bucket) bucket { return r.showBucket(l, b) })
}

// bucket finds the bucket that a path names.
func (a *api) bucket(r *request, l tenant.RateLimit) (tenant.Bucket, error) {
	id, ok := idOf(sidBucket, r.PathValue("bucket"))
	if !ok {
		return tenant.Bucket{}, notFound()
	}
	b, err := a.Directory.Buckets.Find(r.Context(), r.who.Tenant, id)
	if err == nil && b.Parent != l.ID {
		err = notFound()
	}
	return b, err
}

func (a *api) fetchBucket(r *request, l tenant.RateLimit) (any, error) {
	b, err := a.bucket(r, l)
	if err != nil {
		return nil, err
	}
	return r.showBucket(l, b), nil
}

func (a *api) updateBucket(r *request, l tenant.RateLimit) (any, error) {
	b, err := a.bucket(r, l)
	if err != nil {
		return nil, err
	}
	b, err = a.Directory.Buckets.Change(r.Context(), r.who.Tenant, b.ID, r.changeBucket)
	if err != nil {
		return nil, bucketRefused(err)
	}
	return r.showBucket(l, b), nil
}

func (a *api) deleteBucket(r *request, l tenant.RateLimit) (any, error) {
	b, err := a.bucket(r, l)
	if err != nil {
		return nil, err
	}
	_, err = a.Directory.Buckets.Drop(r.Context(), r.who.Tenant, b.ID)
	return nil, err
}

// changeBucket writes what was given. What it may be is said by package tenant.
func (r *request) changeBucket(b *tenant.Bucket) error {
	const most = 1 << 30
	b.Max = r.form.whole("Max", 1, most, b.Max)
	b.Seconds = r.form.whole("Interval", 1, most, b.Seconds)
	return r.form.err
}

func (r *request) showLimit(l tenant.RateLimit) rateLimit {
	out := rateLimit{
		SID: sid(sidRateLimit, l.ID), ServiceSID: sid(sidService, l.Parent), AccountSID: sid(sidAccount, r.who.Account),
		UniqueName: l.Name, Description: l.Description, DateCreated: iso(l.CreatedAt), DateUpdated: iso(l.UpdatedAt),
	}
	out.URL = r.base + "/v2/Services/" + out.ServiceSID + "/RateLimits/" + out.SID
	out.Links = map[string]string{"buckets": out.URL + "/Buckets"}
	return out
}

func (r *request) showBucket(l tenant.RateLimit, b tenant.Bucket) bucket {
	limit := r.showLimit(l)
	id := sid(sidBucket, b.ID)
	return bucket{
		SID: id, RateLimitSID: limit.SID, ServiceSID: limit.ServiceSID, AccountSID: limit.AccountSID,
		Max: b.Max, Interval: b.Seconds, DateCreated: iso(b.CreatedAt), DateUpdated: iso(b.UpdatedAt),
		URL: limit.URL + "/Buckets/" + id,
	}
}
