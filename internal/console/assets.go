package console

import (
	"embed"
	"encoding/hex"
	"net/http"
	"path"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

//go:embed assets
var assetFiles embed.FS

// mediaType of an asset, by the end of its name; "" for what is none.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return ""
}

// serveAsset answers with a file that belongs to the pages. Browsers keep it and ask
// whether it is still the same.
func serveAsset(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	body, err := assetFiles.ReadFile("assets/" + name)
	if err != nil || mediaType(name) == "" {
		return errs.New(errs.RouteNotFound)
	}
	h := w.Header()
	tag := `"` + hex.EncodeToString(secret.Hash(string(body))[:8]) + `"`
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", mediaType(name))
	_, err = w.Write(body) //nolint:gosec // a file of the program
	return err
}
