package upsim

import (
	"errors"
	"strconv"
	"time"
)

// appTokens are the tokens by which an app calls its vendor.
type appTokens struct {
	live    map[string]*appToken // by text
	current map[string]string    // the newest text of each owner and series
	serials map[string]int
}

type appToken struct {
	owner   string
	expires time.Time
}

// What can be wrong with a token.
var (
	errTokenMissing = errors.New("token missing")
	errTokenUnknown = errors.New("token unknown")
	errTokenExpired = errors.New("token expired")
)

func newAppTokens() appTokens {
	return appTokens{live: make(map[string]*appToken), current: make(map[string]string), serials: make(map[string]int)}
}

// newest returns the owner's newest token of a series, nil when there is none.
func (t *appTokens) newest(owner, series string) (string, *appToken) {
	text := t.current[owner+" "+series]
	return text, t.live[text]
}

// issue makes the next token. Those before stay good until they expire.
func (t *appTokens) issue(owner, series string, expires time.Time) string {
	key := owner + " " + series
	t.serials[key]++
	text := "SIMAT-" + owner + "-" + series + strconv.Itoa(t.serials[key])
	t.current[key] = text
	t.live[text] = &appToken{owner, expires}
	return text
}

// check returns whose token text is.
func (t *appTokens) check(text string, at time.Time) (string, error) {
	token := t.live[text]
	switch {
	case text == "":
		return "", errTokenMissing
	case token == nil:
		return "", errTokenUnknown
	case !at.Before(token.expires):
		return "", errTokenExpired
	}
	return token.owner, nil
}

// seconds is the whole seconds from at until then.
func seconds(then, at time.Time) int { return int(then.Sub(at) / time.Second) }
