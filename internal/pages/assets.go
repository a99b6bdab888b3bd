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
	if p.Dir != "" {
		return assetPath + name
	}
	return assetPath + name + "?v=" + p.versions[name]
}

// asset serves a file of the assets folder.
func (p *pages) asset(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, assetPath)
	kind, known := mediaTypes[path.Ext(name)]
	if !known || strings.Contains(name, "/") {
		p.problem(http.StatusNotFound).ServeHTTP(w, r)
		return
	}
	content, err := fs.ReadFile(p.files, "assets/"+name)
	if err != nil {
		p.problem(http.StatusNotFound).ServeHTTP(w, r)
		return
	}
	v := version(content)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("ETag", `"`+v+`"`)
	w.Header().Set("Cache-Control", "no-cache")
	if p.Dir == "" && r.URL.Query().Get("v") == v {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
