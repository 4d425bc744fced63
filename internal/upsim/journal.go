package upsim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// verdictOK is the verdict of a request that the vendor would have accepted.
const verdictOK = "ok"

// A journal that runs for days keeps the newest requests, and of long values the start.
const (
	longestJournal = 20_000
	longestEntry   = 4 << 10
)

// Entry is one request in the journal. Secrets in it are replaced by Redact.
type Entry struct {
	ID       int               `json:"id"`
	Time     time.Time         `json:"time"`
	Upstream string            `json:"upstream"`
	Method   string            `json:"method"`
	Path     string            `json:"path"`
	Action   string            `json:"action,omitempty"`
	Params   map[string]string `json:"params,omitempty"`
	Verdict  string            `json:"verdict"` // "ok" or why not, such as "sig_mismatch"
	Faults   []string          `json:"faults,omitempty"`
	Status   int               `json:"status"` // 0: never answered
	Answer   string            `json:"answer,omitempty"`
	expected bool
}

type journal struct {
	entries []Entry
	last    int
}

func (j *journal) add(e Entry) {
	j.last++
	e.ID = j.last
	if len(j.entries) >= longestJournal {
		j.entries = slices.Delete(j.entries, 0, longestJournal/10)
	}
	j.entries = append(j.entries, e)
}

func (s *Server) entry(v vendor, x *exchange, a answer) Entry {
	e := Entry{
		Time: x.at.UTC(), Upstream: v.name, Method: x.req.Method, Path: x.req.URL.Path,
		Params: make(map[string]string, len(x.params)), Verdict: a.verdict, Faults: x.flags,
		Status: a.status, Answer: redactedAnswer(a),
		expected: slices.ContainsFunc(s.expected, func(m Match) bool { return m.matches(v.name, x) }),
	}
	if action := actionOf(x); action != e.Path {
		e.Action = action
	}
	for name, value := range x.params {
		if isSecret(name) && value != "" {
			value = Redact(value)
		}
		e.Params[name] = value[:min(len(value), longestEntry)]
	}
	return e
}

// Redact is how the journal shows a secret: enough to tell which one it was.
func Redact(secret string) string { return "sha256:" + digest(secret)[:16] }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// isSecret judges a parameter by the last part of its name.
func isSecret(name string) bool {
	name = strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	switch name {
	case "secret", "appsecret", "corpsecret", "client_secret", "clientsecret", "appsecretkey", "secretkey", "appkey",
		"access_token", "refresh_token", "accesstoken", "refreshtoken", "auth_token", "id_token", "client_assertion", "session_key", "user_ticket", "password":
		return true
	}
	return false
}

// redactedAnswer is the body with its secrets hidden, cut short.
func redactedAnswer(a answer) string {
	if a.kind == kindHTML || a.encoding != "" || len(a.body) > largestRequest {
		return ""
	}
	text := string(a.body)
	if o := readObject(a.body); o != nil {
		hide(o)
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if e.Encode(o) == nil {
			text = strings.TrimSpace(b.String())
		}
	}
	return text[:min(len(text), longestEntry)]
}

func hide(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if text, ok := value.(string); ok && isSecret(name) {
				v[name] = Redact(text)
				continue
			}
			hide(value)
		}
	case []any:
		for _, inner := range v {
			hide(inner)
		}
	}
}
