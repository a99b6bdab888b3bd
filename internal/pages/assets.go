package pages

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

const assetPath = "/assets/"

// mediaTypes are said here because those of mime depend on the machine.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// versions hashes every asset: the hash stands in the address of the asset, so
// that browsers may keep it for ever.
func versions(files fs.FS) (map[string]string, error) {
	names, err := fs.Glob(files, "assets/*")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		out[path.Base(name)] = version(content)
	}
	return out, nil
}

func version(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:6])
}

// assetURL is for templates.
func (p *pages) assetURL(name string) string {
	if p.Dir != "" && name != styleName && name != logoName {
		return assetPath + name
	}
	return assetPath + name + "?v=" + p.versions[name]
}

// asset serves a file of the assets folder.
func (p *pages) asset(w http.ResponseWriter, r *http.Request, name string) {
	kind, content, ok := p.assetNamed(name)
	if !ok {
		p.root(r).problem(w, r, http.StatusNotFound)
		return
	}
	v := version(content)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("ETag", `"`+v+`"`)
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == v {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// The operator's own assets, which are no files of ours.
const (
	styleName = "brand.css"
	logoName  = "logo"
)

func logoData(l *Logo) []byte {
	if l == nil {
		return nil
	}
	return l.Data
}

// assetNamed finds an asset. The operator's logo may be a drawing: as a page of its own it
// would run what is in it, if the policy that every answer has let it.
func (p *pages) assetNamed(name string) (kind string, content []byte, ok bool) {
	switch name {
	case styleName:
		return mediaTypes[".css"], []byte(p.Style), p.Style != ""
	case logoName:
		if p.Logo == nil {
			return "", nil, false
		}
		return p.Logo.Type, p.Logo.Data, true
	}
	kind, known := mediaTypes[path.Ext(name)]
	if !known || strings.Contains(name, "/") {
		return "", nil, false
	}
	content, err := fs.ReadFile(p.files, "assets/"+name)
	return kind, content, err == nil
}

// embedPath is the address of the script that applications load into pages of theirs.
const embedPath = "/embed.js"

// embed serves that script: to any page, at an address that stays the same.
func (p *pages) embed(_ *place, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	p.asset(w, r, "embed.js")
}
