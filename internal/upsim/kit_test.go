package upsim_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/upsim"
)

// vectorTime is when the simulator's own vectors were signed.
var vectorTime = time.Unix(1700000000, 0)

const controlToken = "control-token"

// hands is a clock that moves only when told.
type hands struct {
	mu sync.Mutex
	at time.Time
}

func (h *hands) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

// start runs a simulator whose clock stands at the given time.
func start(t testing.TB, at time.Time) *upsim.Server {
	t.Helper()
	s, err := upsim.Start(t.Context(), upsim.Options{Now: (&hands{at: at}).now, Token: controlToken})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// call is a request that a test can change before it is sent.
type call struct {
	method, base, path, query, host, body string
	header                                map[string]string
}

func (c call) clone() call {
	c.header = maps.Clone(c.header)
	return c
}

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// at follows names into the JSON body; lists are followed into their first element.
func (a answer) at(path ...string) any {
	var v any = a.json
	for _, name := range path {
		if list, ok := v.([]any); ok && len(list) > 0 {
			v = list[0]
		}
		o, _ := v.(map[string]any)
		v = o[name]
	}
	return v
}

func (a answer) text(path ...string) string {
	s, _ := a.at(path...).(string)
	return s
}

func (a answer) number(path ...string) int {
	n, _ := a.at(path...).(float64)
	return int(n)
}

var client = &http.Client{
	Timeout:       20 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 256},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (c call) try(t testing.TB) (answer, error) {
	t.Helper()
	address := c.base + c.path
	if c.query != "" {
		address += "?" + c.query
	}
	req, err := http.NewRequestWithContext(t.Context(), c.method, address, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	if c.host != "" {
		req.Host = c.host
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
	_ = json.Unmarshal(body, &a.json)
	return a, err
}

func (c call) do(t testing.TB) answer {
	t.Helper()
	a, err := c.try(t)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func get(base, path string, pairs ...string) call {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return call{method: http.MethodGet, base: base, path: path, query: q.Encode()}
}

func postJSON(t testing.TB, base, path string, v any) call {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return call{
		method: http.MethodPost, base: base, path: path, body: string(text),
		header: map[string]string{"Content-Type": "application/json"},
	}
}

func postForm(base, path string, form url.Values) call {
	return call{
		method: http.MethodPost, base: base, path: path, body: form.Encode(),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"},
	}
}

// vector is one published or derived value that verifiers are pinned to.
type vector struct {
	ID       string          `json:"id"`
	Inputs   json.RawMessage `json:"inputs"`
	Expected json.RawMessage `json:"expected"`
}

// vectors returns those whose id begins with prefix.
func vectors(t testing.TB, prefix string) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []vector `json:"vectors"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var found []vector
	for _, v := range file.Vectors {
		if strings.HasPrefix(v.ID, prefix) {
			found = append(found, v)
		}
	}
	if len(found) == 0 {
		t.Fatalf("no vector %s", prefix)
	}
	return found
}

func (v vector) read(t testing.TB, inputs, expected any) {
	t.Helper()
	if err := json.Unmarshal(v.Inputs, inputs); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(v.Expected, expected); err != nil {
		t.Fatal(err)
	}
}

// lastVerdict is what the journal says of the newest request.
func lastVerdict(t testing.TB, s *upsim.Server) string {
	t.Helper()
	all := s.Journal("")
	if len(all) == 0 {
		t.Fatal("the journal is empty")
	}
	return all[len(all)-1].Verdict
}

// mutant is a request that was changed after it was signed.
type mutant struct {
	name    string
	change  func(*call)
	advance time.Duration // of the simulator's clock
	twice   bool          // sent once more
	want    string
}

// mutants sends each to a simulator that has forgotten the others, and compares the
// error that code reads from the answer. The unchanged request must be accepted.
func mutants(t *testing.T, s *upsim.Server, good call, accepted string, code func(answer) string, all []mutant) {
	t.Helper()
	if len(all) < 8 {
		t.Errorf("%d mutants are too few", len(all))
	}
	all = append(all, mutant{name: "unchanged", change: func(*call) {}, want: accepted})
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			s.Reset()
			s.Advance(m.advance)
			c := good.clone()
			m.change(&c)
			a := c.do(t)
			if m.twice {
				a = c.do(t)
			}
			if got := code(a); got != m.want {
				t.Errorf("%s: got %q, want %q: %s", m.name, got, m.want, a.body)
			}
			if (lastVerdict(t, s) == "ok") != (m.want == accepted) {
				t.Errorf("%s: the verdict is %q", m.name, lastVerdict(t, s))
			}
		})
	}
}

// flip changes the last character of a text.
func flip(s string) string {
	last := byte('0')
	if s[len(s)-1] == '0' {
		last = '1'
	}
	return s[:len(s)-1] + string(last)
}

// replaced makes a change of one place of a body.
func replaced(from, to string) func(*call) {
	return func(c *call) { c.body = strings.Replace(c.body, from, to, 1) }
}

// headed makes a change of one header.
func headed(name string, change func(string) string) func(*call) {
	return func(c *call) {
		value := change(c.header[name])
		if value == "" {
			delete(c.header, name)
			return
		}
		c.header[name] = value
	}
}

func instead(value string) func(string) string { return func(string) string { return value } }
