package app

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"

	"countersign/internal/brand"
	"countersign/internal/message"
	"countersign/internal/pages"
)

// maxLogo bounds a logo, in bytes: it is part of a page that is to be there at once.
const maxLogo = 64 << 10

// looks are what the pages are to look like: a stylesheet and a logo, or what is wrong
// with them.
func (c PagesConfig) looks() (style string, logo *pages.Logo, err error) {
	if !slices.Contains([]string{"", "on", "off"}, c.Autofill) {
		return "", nil, fmt.Errorf("pages.autofill: %q is neither on nor off", c.Autofill)
	}
	if c.Color != "" {
		color, err := brand.Parse(c.Color)
		if err != nil {
			return "", nil, fmt.Errorf("pages.color: %q is no colour; write #0a7 or #00aa77", c.Color)
		}
		style = brand.CSS(color)
	}
	if c.Logo == "" {
		return style, nil, nil
	}
	logo, err = readLogo(c.Logo)
	if err != nil {
		return "", nil, fmt.Errorf("pages.logo: %w", err)
	}
	return style, logo, nil
}

func readLogo(path string) (*pages.Logo, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) > maxLogo {
		return nil, fmt.Errorf("%s has %d bytes; a logo has at most %d", path, len(data), maxLogo)
	}
	switch kind := http.DetectContentType(data); {
	case kind == "image/png", kind == "image/jpeg", kind == "image/webp":
		return &pages.Logo{Type: kind, Data: data}, nil
	case bytes.Contains(data[:min(len(data), 1024)], []byte("<svg")):
		return &pages.Logo{Type: "image/svg+xml", Data: data}, nil
	}
	return nil, errors.New("it is neither SVG nor PNG, JPEG or WebP")
}

// pagesDomain is the host that the last line of a text names, for browsers to fill the
// code in at the pages; empty where there is none. Browsers do so on https alone.
func (a *App) pagesDomain() string {
	u := a.settings.publicURL
	if u == nil || u.Scheme != "https" || a.config.Pages.Autofill == "off" {
		return ""
	}
	host, err := message.Host(u.Hostname())
	if err != nil {
		return "" // an address of numbers, which the line has no form for
	}
	return host
}
