package upsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// endpoint answers one request. It runs with the server's mutex held and must not wait
// for anything.
type endpoint func(*exchange) answer

// vendor is one service of the outside world.
type vendor struct {
	name   string // as in the journal and in a fault's match
	site   site
	routes map[string]endpoint // by pattern of net/http, below the vendor's prefix
	// refuse answers with one of the vendor's own error codes.
	refuse func(x *exchange, code string) answer
	// codes says which error code a general fault, such as RATE, is here.
	codes map[string]string
	// flags are the faults that the endpoints themselves look for.
	flags []string
	reset func()
}

// roster lists the vendors. A new one is a file of its own and a line here.
func roster() []func(*Server) vendor {
	return []func(*Server) vendor{
		newWeChat, newWeCom, newYidun, newCMCC, newRapidAuth, newOneLogin,
		newTencent, newAliyun, newTwilio, newWebhook,
		newOIDC, newGitHub, newQQ, newWeibo, newAlipay, newDingTalk, newFeishu, newApple,
		newHCaptcha, newTurnstile, newSMTP,
	}
}

// answer is what a vendor says.
type answer struct {
	status   int
	kind     string // content type
	location string
	body     []byte
	verdict  string // for the journal; "" is "ok"
	encoding string
	manner   manner
}

// manner is how an answer travels.
type manner int

const (
	mannerWhole manner = iota
	mannerNever        // no answer until the caller gives up
	mannerReset        // the connection is reset
	mannerCut          // half the body, then the end
	mannerDrip         // a byte a second
)

const (
	kindJSON = "application/json; charset=utf-8"
	kindText = "text/plain; charset=utf-8"
	kindHTML = "text/html; charset=utf-8"
)

// object is a JSON object of an answer.
type object map[string]any

// reply answers with v as JSON.
func reply(status int, kind string, v any) answer {
	body, err := json.Marshal(v)
	if err != nil { // only a value that JSON has no form for, which no endpoint makes
		return answer{status: http.StatusInternalServerError, kind: kindText, body: []byte(err.Error()), verdict: "broken"}
	}
	return answer{status: status, kind: kind, body: body}
}

// as names the verdict of a.
func (a answer) as(verdict string) answer {
	a.verdict = verdict
	return a
}

// notFound answers for paths below a vendor's prefix that it does not have.
func notFound(*exchange) answer {
	return answer{status: http.StatusNotFound, kind: kindText, body: []byte("404 not found\n"), verdict: "unknown_path"}
}

// knows reports whether a fault means anything to v.
func (v vendor) knows(flag string) bool {
	_, ok := v.codes[flag]
	return ok || slices.Contains(v.flags, flag)
}

// requestID is a hexadecimal id, different for each request and equal in each run.
func (s *Server) requestID() string {
	s.serial++
	return digest("request:" + fmt.Sprint(s.serial))
}

// dashed writes the first digits of a hexadecimal id in groups of the given lengths.
func dashed(id string, groups ...int) string {
	var parts []string
	for _, n := range groups {
		parts = append(parts, id[:n])
		id = id[n:]
	}
	return strings.Join(parts, "-")
}
