package authing_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/testkit"
)

// recorded is one request of a real client library. What was alive when it was recorded
// is a placeholder, such as {token12}, {seal:a password} or {code:an address}.
type recorded struct {
	Call    string            `json:"call"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Query   map[string]string `json:"query"`
	Headers map[string]string `json:"headers"`
	Bearer  string            `json:"bearer"`
	Basic   bool              `json:"basic"` // the application by its name and a secret
	Body    any               `json:"body"`
	File    string            `json:"file"`   // the name of the picture that is uploaded
	Status  int               `json:"status"` // of OpenID Connect; everything else is 200
	Code    *int              `json:"code"`   // nil for answers without an envelope
	// Learn names what later requests send again, by its place in the answer.
	Learn map[string]string `json:"learn"`
}

// The traffic of each published client library is replayed from its first request to its
// last, as one app on a fresh server.

func TestRecordedSwiftIsAnswered(t *testing.T) { replay(t, "recorded-ios.json") }

func TestRecordedAndroidIsAnswered(t *testing.T) { replay(t, "recorded-android.json") }

func TestRecordedJavaScriptIsAnswered(t *testing.T) { replay(t, "recorded-js.json") }

func replay(t *testing.T, file string) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all []recorded
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	each(t, func(w *world) {
		app := newStory(w)
		for i, r := range all {
			w.run(fmt.Sprintf("%03d %s %s", i, r.Call, r.Path), func(w *world) {
				app.world = w
				a := app.send(r)
				app.learn(r, a)
				checkAnswer(w, r, a)
			})
		}
	})
}

// story is what the app of a recording knows by now.
type story struct {
	*world
	known map[string]string
	ready map[string]string // address to the code in its last message, by what it is for
}

// newStory makes the people and things the recordings take for granted.
func newStory(w *world) *story {
	w.Helper()
	for _, p := range []body{
		{"username": "newbie", "password": "init-passw0rd", "resetPasswordOnFirstLogin": true},
		{"username": "mfau", "phone": "+86 18800000077", "password": "pw-passw0rd"},
	} {
		if a := w.s.Post("/emulator/v1/users", p); a.Status != http.StatusOK {
			w.Fatalf("%d %s", a.Status, a.Raw)
		}
	}
	project := w.s.Do(http.MethodGet, "/emulator/v1/project", nil)
	st := &story{world: w, ready: map[string]string{}, known: map[string]string{
		"app": appID, "pool": poolID, "poolSecret": project.String("poolSecret"), "key": "machine",
	}}
	pools := w.s.App.Pools
	if err := pools.CreateApp(w.Context(), pool.App{ID: "machine", PoolID: poolID, Name: "A server"}); err != nil {
		w.Fatal(err)
	}
	text, err := pools.NewClientSecret(w.Context(), "machine")
	if err != nil {
		w.Fatal(err)
	}
	st.known["keySecret"] = text
	m := w.manager()
	for key, kind := range map[string]string{"school": "STRING", "age": "NUMBER"} {
		w.ask(m.token, "setUdf", body{"targetType": "USER", "key": key, "dataType": kind, "label": key})
	}
	return st
}

// send sends a request with what is alive in the place of the placeholders.
func (st *story) send(r recorded) testkit.Answer {
	st.Helper()
	path := st.words(r, strings.Split(r.Path, "/"))
	q := url.Values{}
	for k, v := range r.Query {
		q.Set(k, st.word(r, v))
	}
	target := strings.Join(path, "/")
	if len(q) > 0 {
		target += "?" + q.Encode()
	}
	content, kind := st.content(r)
	req, err := http.NewRequestWithContext(st.Context(), r.Method, st.s.URL+target, content)
	if err != nil {
		st.Fatal(err)
	}
	for k, v := range r.Headers {
		req.Header.Set(k, st.word(r, v))
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if r.Bearer != "" {
		req.Header.Set("Authorization", "Bearer "+st.word(r, r.Bearer))
	}
	if r.Basic {
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(appID+":secret")))
	}
	a := roundTrip(st.world, req)
	st.noteSent(r, a)
	return a
}

func roundTrip(w *world, req *http.Request) testkit.Answer {
	w.Helper()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	a := testkit.Answer{Status: res.StatusCode, Header: res.Header, Raw: raw}
	_ = json.Unmarshal(raw, &a.Body) // not every answer is an object
	return a
}

// content is the body, and its type where the recorded one cannot be kept.
func (st *story) content(r recorded) (content io.Reader, kind string) {
	st.Helper()
	switch {
	case r.File != "":
		return st.picture(r.File)
	case r.Body == nil:
		return http.NoBody, ""
	}
	filled := st.fill(r, r.Body)
	if fields, ok := filled.(map[string]any); ok && strings.Contains(r.Headers["content-type"], "form") {
		form := url.Values{}
		for k, v := range fields {
			form.Set(k, fmt.Sprint(v))
		}
		return strings.NewReader(form.Encode()), ""
	}
	raw, err := json.Marshal(filled)
	if err != nil {
		st.Fatal(err)
	}
	return bytes.NewReader(raw), ""
}

func (st *story) picture(name string) (content io.Reader, kind string) {
	st.Helper()
	png, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	if err != nil {
		st.Fatal(err)
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`}, "Content-Type": {"image/png"},
	})
	if err != nil {
		st.Fatal(err)
	}
	if _, err := part.Write(png); err != nil {
		st.Fatal(err)
	}
	if err := form.Close(); err != nil {
		st.Fatal(err)
	}
	return &b, form.FormDataContentType()
}

func (st *story) fill(r recorded, v any) any {
	st.Helper()
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = st.fill(r, x)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, x := range v {
			out = append(out, st.fill(r, x))
		}
		return out
	case string:
		return st.word(r, v)
	}
	return v
}

func (st *story) words(r recorded, all []string) []string {
	st.Helper()
	out := make([]string, 0, len(all))
	for _, v := range all {
		out = append(out, st.word(r, v))
	}
	return out
}

var placeholder = regexp.MustCompile(`^\{(\w+)(?::([^{}"]*))?\}$`)

func (st *story) word(r recorded, v string) string {
	st.Helper()
	m := placeholder.FindStringSubmatch(v)
	if m == nil {
		return v
	}
	switch name, about := m[1], m[2]; name {
	case "seal":
		return st.seal(about)
	case "code":
		return st.codeFor(r, about)
	case "wrong":
		return wrong(st.codeFor(r, about))
	default:
		live, ok := st.known[name]
		if !ok {
			st.Fatalf("%s is not known yet", name)
		}
		return live
	}
}

// What a code is for, as far as mails tell it apart.
const (
	forReset    = "RESET_PASSWORD"
	forAnything = "VERIFY_CODE"
)

// codeFor is the code of the last message to an address, if the app had one sent that is
// good for r; otherwise of a new one.
func (st *story) codeFor(r recorded, address string) string {
	st.Helper()
	purpose := forAnything
	if q, _ := at(r.Body, "query").(string); strings.Contains(r.Path, "/password/reset/") || strings.Contains(q, "resetPassword(") {
		purpose = forReset
	}
	if !strings.Contains(address, "@") {
		purpose = ""
	}
	if had, ok := st.ready[address]; !ok || had != purpose {
		if purpose == "" {
			st.post("/api/v2/sms/send", body{"phone": strings.TrimPrefix(address, "+86")}).want(200)
		} else {
			st.post("/api/v2/email/send", body{"email": address, "scene": purpose}).want(200)
		}
	}
	delete(st.ready, address)
	return st.s.Code(address)
}

// noteSent remembers that a message with a code is on its way.
func (st *story) noteSent(r recorded, a testkit.Answer) {
	in := r.Body
	if q, _ := at(in, "query").(string); strings.Contains(q, "sendEmail(") {
		in = at(in, "variables")
	} else if !strings.HasSuffix(r.Path, "/send") && !strings.HasSuffix(r.Path, "/send-email") {
		return
	}
	if a.Body["errors"] != nil || (a.Body["code"] != nil && a.Body["code"] != 200.0) {
		return
	}
	st.s.Do(http.MethodGet, "/emulator/v1/messages", nil) // returns when it has arrived, before the next
	scene, _ := at(in, "scene").(string)
	if scene == "CHANGE_EMAIL" {
		scene = forAnything
	}
	if email, ok := at(in, "email").(string); ok {
		st.ready[email] = scene
	}
	if phone, ok := at(in, "phone").(string); ok {
		st.ready["+86"+phone] = ""
	}
}

// learn keeps what later requests send again. Where our answer has no such thing, because
// we refuse what the recorded server allowed, the app goes on with what it had.
func (st *story) learn(r recorded, a testkit.Answer) {
	st.Helper()
	if id, ok := at(a.Body, "data.id").(string); ok && isToken(at(a.Body, "data.token")) {
		st.known["id"], st.known["token"] = id, a.Body["data"].(map[string]any)["token"].(string)
	}
	for name, place := range r.Learn {
		v, ok := at(a.Body, place).(string)
		if !ok && strings.HasPrefix(name, "id") {
			v = st.known["id"]
		} else if !ok {
			v = st.known["token"]
		}
		st.known[name] = v
	}
}

// at finds the value at a dotted place, nil when there is none.
func at(v any, place string) any {
	for name := range strings.SplitSeq(place, ".") {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(inner) {
				return nil
			}
			v = inner[i]
		default:
			return nil
		}
	}
	return v
}
