package manage

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

const (
	defaultPage = 20
	maxPage     = 100
)

// pageSize is how many entries p asks for.
func pageSize(p api.Page) int {
	if p.Limit == 0 {
		return defaultPage
	}
	return min(max(p.Limit, 1), maxPage)
}

// sealCursor makes the cursor of the list called name in a pool, which names a place in
// it. Nobody can read or make one (KM-04), and it is good for that list only.
func sealCursor(ring *secret.Keyring, name, poolID string, place any) (string, error) {
	plain, err := json.Marshal(place)
	if err != nil {
		return "", err
	}
	sealed, err := ring.Seal(plain, cursorPlace(name, poolID))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// cursorPlace says which list a cursor belongs to, so that no two lists share one.
func cursorPlace(name, poolID string) string {
	return "cursor " + strconv.Quote(name) + " " + strconv.Quote(poolID)
}

// openCursor reads a cursor into place and reports whether there was one.
func openCursor(ring *secret.Keyring, name, poolID, cursor string, place any) (bool, error) {
	if cursor == "" {
		return false, nil
	}
	refused := errs.New(errs.BadRequest, "field", "cursor")
	sealed, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(sealed) > 1024 {
		return false, refused.Because(err)
	}
	plain, err := ring.Open(sealed, cursorPlace(name, poolID))
	if err != nil {
		return false, refused.Because(err)
	}
	if err := json.Unmarshal(plain, place); err != nil {
		return false, refused.Because(err)
	}
	return true, nil
}

// match refuses a change that was based on another state than current.
func match(g api.Guarded, current any) error {
	if g.IfMatch == "" || g.IfMatch == "*" || g.IfMatch == api.ETag(current) {
		return nil
	}
	return errs.New(errs.EditConflict)
}
