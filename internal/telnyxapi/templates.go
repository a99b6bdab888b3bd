package telnyxapi

import (
	"errors"
	"math"
	"strings"

	"github.com/google/uuid"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// template is a message template as Telnyx shows it.
type template struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

type templateBody struct {
	Text *string `json:"text"`
}

// listTemplates shows the stock templates and then the tenant's own. It has no pages,
// as Telnyx's has none.
func (a *api) listTemplates(r *request) (any, error) {
	own, _, err := a.Directory.Templates.List(r.Context(), r.who.Tenant, tenant.Query{Limit: math.MaxInt})
	if err != nil {
		return nil, err
	}
	shown := []template{}
	for _, t := range tenant.Stock() {
		// Telnyx's name for the minutes, by which its clients know these texts.
		text := strings.ReplaceAll(t.Text, "{{minutes}}", "{{default_verification_timeout_secs}}")
		shown = append(shown, template{t.ID.String(), text})
	}
	for _, t := range own {
		shown = append(shown, template{t.ID.String(), t.Text})
	}
	return shown, nil
}

func (a *api) createTemplate(r *request) (any, error) {
	text, err := r.templateText()
	if err != nil {
		return nil, err
	}
	t, err := a.Directory.Templates.Add(r.Context(), r.who.Tenant, tenant.Template{Text: text})
	if err != nil {
		return nil, err
	}
	return template{t.ID.String(), t.Text}, nil
}

func (a *api) updateTemplate(r *request) (any, error) {
	text, err := r.templateText()
	if err != nil {
		return nil, err
	}
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil || len(r.PathValue("id")) != 36 {
		return nil, errNoTemplate()
	}
	for _, t := range tenant.Stock() {
		if t.ID == id {
			return nil, &verify.Error{Kind: verify.Forbidden, Err: errors.New("it is a stock template, which everybody has; create one of your own")}
		}
	}
	t, err := a.Directory.Templates.Change(r.Context(), r.who.Tenant, id, func(t *tenant.Template) error {
		t.Text = text
		return nil
	})
	if verify.KindOf(err) == verify.NotFound {
		return nil, errNoTemplate()
	}
	if err != nil {
		return nil, err
	}
	return template{t.ID.String(), t.Text}, nil
}

func errNoTemplate() error {
	return problem(notFound, "/template_id", "No message template has this id.")
}

func (r *request) templateText() (string, error) {
	var in templateBody
	if err := r.decode(&in); err != nil {
		return "", err
	}
	if in.Text == nil {
		return "", problem(missing, "/text", "text is required.")
	}
	return *in.Text, nil
}
