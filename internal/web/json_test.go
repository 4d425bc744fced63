package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/web"
)

type input struct {
	Name    string            `json:"name"`
	Age     int               `json:"age"`
	Big     int64             `json:"big"`
	On      bool              `json:"on"`
	Nick    *string           `json:"nick"`
	Tags    []string          `json:"tags"`
	Profile profile           `json:"profile"`
	People  []profile         `json:"people"`
	Custom  map[string]any    `json:"custom"`
	Any     any               `json:"any"`
	Raw     json.RawMessage   `json:"raw"`
	Score   float64           `json:"score"`
	At      time.Time         `json:"at"`
	Client  string            `json:"client_id" query:"client_id"`
	Page    int               `json:"-" query:"page"`
	All     bool              `json:"-" query:"all"`
	IDs     []string          `json:"-" query:"id"`
	Other   map[string]string `json:"-" query:"other,brackets"`
	Device  string            `json:"-" header:"x-device-id"`
}

type profile struct {
	City string `json:"city"`
}

func read(t *testing.T, target, body string, headers ...string) (input, answer) {
	t.Helper()
	var got input
	h := web.JSON(plain{}, func(_ context.Context, in input) (struct{}, error) {
		got = in
		return struct{}{}, nil
	})
	w := do(h, request(t, http.MethodPost, target, body, headers...))
	var a answer
	if w.Code != http.StatusOK {
		a = errorOf(t, w)
	} else if w.Body.String() != "{}" {
		t.Errorf("the answer is %q, want {}", w.Body)
	}
	return got, a
}

func TestJSONReadsTheBody(t *testing.T) {
	nick := "阿虎"
	tests := []struct {
		name, body string
		want       input
	}{
		{"nothing at all", "", input{}},
		{"only space", " \r\n\t", input{}},
		{"an empty object", "{}", input{}},
		{"a text", `{"name":"张三"}`, input{Name: "张三"}},
		{"escapes", `{"name":"a\"\\\/\b\f\n\r\t\u4e2d\ud83d\ude00"}`, input{Name: "a\"\\/\b\f\n\r\t中😀"}},
		{"an escaped name", `{"n\u0061me":"x"}`, input{Name: "x"}},
		{"numbers", `{"age":-3,"big":9007199254740993,"score":1.5e2}`, input{Age: -3, Big: 9007199254740993, Score: 150}},
		{"a boolean", `{"on":true}`, input{On: true}},
		{"a pointer", `{"nick":"阿虎"}`, input{Nick: &nick}},
		{"a list", `{"tags":["a","b"]}`, input{Tags: []string{"a", "b"}}},
		{"an empty list", `{"tags":[]}`, input{Tags: []string{}}},
		{"an object in it", `{"profile":{"city":"x","more":[1,{"a":null}]}}`, input{Profile: profile{City: "x"}}},
		{"a list of objects", `{"people":[{"city":"x"},{}]}`, input{People: []profile{{City: "x"}, {}}}},
		{"a map", `{"custom":{"a":[1]}}`, input{Custom: map[string]any{"a": []any{1.0}}}},
		{"anything", `{"any":"x"}`, input{Any: "x"}},
		{"raw", `{"raw":{"a": 1}}`, input{Raw: json.RawMessage(`{"a": 1}`)}},
		{"an unmarshaler", `{"at":"2026-01-02T03:04:05Z"}`, input{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
		{"null is absent", `{"name":null,"age":null,"nick":null,"tags":null,"profile":null,"raw":null,"at":null}`, input{}},
		{"unknown members are ignored", ` { "x" : [ { } , 1e+5 , -0.0 , true , false ] , "name" : "y" } `, input{Name: "y"}},
		{"names differ by case", `{"NAME":"x","Name":"y"}`, input{}},
		{"members of others are not mine", `{"page":3,"Page":3,"Device":"x"}`, input{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, refusal := read(t, "/", tt.body, "Content-Type", "text/plain;charset=UTF-8")
			if refusal.Error != "" {
				t.Fatalf("refused: %+v", refusal)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("In differs (-want +got):\n%s", diff)
			}
		})
	}
}

// ED-03: there is one way to read a body, and everything else is refused.
func TestJSONRefusesWhatCouldBeReadInTwoWays(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33)
	lists := `{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "}"
	many := `{"a":{` + strings.TrimSuffix(strings.Repeat(`"k":1,`, 101), ",") + "}}"
	for i := range 101 {
		many = strings.Replace(many, `"k"`, `"k`+string(rune('a'+i/26))+string(rune('a'+i%26))+`"`, 1)
	}
	tests := []struct{ name, body, field string }{
		{"a name twice", `{"name":"a","name":"b"}`, "name"},
		{"a name twice, once escaped", `{"name":"a","n\u0061me":"b"}`, "name"},
		{"an unknown name twice", `{"phone_number":1,"phone_number":2}`, "phone_number"},
		{"a name twice further in", `{"x":[{"a":1,"a":1}]}`, "a"},
		{"a name twice in a map", `{"custom":{"a":1,"a":1}}`, "a"},
		{"a number for a text", `{"name":1}`, "name"},
		{"a list for a text", `{"name":["a"]}`, "name"},
		{"an object for a text", `{"name":{"$gt":""}}`, "name"},
		{"a text for a number", `{"age":"1"}`, "age"},
		{"a fraction for a whole number", `{"age":1.0}`, "age"},
		{"too large a number", `{"big":9223372036854775808}`, "big"},
		{"a number for a boolean", `{"on":1}`, "on"},
		{"a text for a list", `{"tags":"a"}`, "tags"},
		{"a number in a list of texts", `{"tags":[1]}`, "tags"},
		{"a text for an object", `{"profile":"x"}`, "profile"},
		{"a number further in", `{"profile":{"city":1}}`, "profile.city"},
		{"a list for a map", `{"custom":[]}`, "custom"},
		{"a bad time", `{"at":"yesterday"}`, "at"},
		{"a list", `[]`, "body"},
		{"null", `null`, "body"},
		{"a text", `"x"`, "body"},
		{"a form", `name=x`, "body"},
		{"two objects", `{}{}`, "body"},
		{"half an object", `{"name":"x"`, "body"},
		{"half a text", `{"name":"x`, "body"},
		{"a comma too many", `{"name":"x",}`, "body"},
		{"a comma too many in a list", `{"x":[1,]}`, "body"},
		{"a comma too few", `{"name":"x" "age":1}`, "body"},
		{"a colon too few", `{"name" "x"}`, "body"},
		{"no quotes", `{name:"x"}`, "body"},
		{"a comment", `{/**/}`, "body"},
		{"a leading zero", `{"x":01}`, "body"},
		{"a lonely minus", `{"x":-}`, "body"},
		{"a plus", `{"x":+1}`, "body"},
		{"no digits after the point", `{"x":1.}`, "body"},
		{"no digits in the exponent", `{"x":1e}`, "body"},
		{"a word", `{"x":nul}`, "body"},
		{"another word", `{"x":NaN}`, "body"},
		{"an unknown escape", `{"x":"\x41"}`, "body"},
		{"a short escape", `{"x":"\u41"}`, "body"},
		{"half a pair", `{"x":"\ud83d"}`, "body"},
		{"two first halves", `{"x":"\ud83d\ud83d"}`, "body"},
		{"U+0000", `{"x":"\u0000"}`, "body"},
		{"a line break in a text", "{\"x\":\"a\nb\"}", "body"},
		{"a control character after an escape", "{\"x\":\"\\n\x01\"}", "body"},
		{"a byte order mark", "\xef\xbb\xbf{}", "body"},
		{"not UTF-8", "{\"x\":\"\xff\"}", "body"},
		{"33 objects in each other", deep, "body"},
		{"33 levels of lists", lists, "body"},
		{"101 members", many, "body"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, refusal := read(t, "/", tt.body)
			want := answer{Error: string(errs.BadRequest), Field: tt.field}
			if refusal != want {
				t.Errorf("answered %+v, want %+v", refusal, want)
			}
		})
	}
}

// ED-02: 32 levels are accepted, a million are refused at once.
func TestJSONDepth(t *testing.T) {
	ok := strings.Repeat(`{"a":`, 31) + "{}" + strings.Repeat("}", 31)
	if _, refusal := read(t, "/", ok); refusal.Error != "" {
		t.Errorf("32 levels are refused: %+v", refusal)
	}
	start := time.Now()
	_, refusal := read(t, "/", `{"a":`+strings.Repeat("[", 60_000))
	if refusal.Error != string(errs.BadRequest) {
		t.Errorf("answered %+v", refusal)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("refusing took %v", took)
	}
}

// ED-02: a body ends at 64 KB, whether its length is said or not.
func TestJSONBodyLimit(t *testing.T) {
	fits := `{"name":"` + strings.Repeat("x", web.MaxBody-11) + `"}`
	if got, refusal := read(t, "/", fits); refusal.Error != "" || len(got.Name) != web.MaxBody-11 {
		t.Errorf("a body of %d bytes: %+v", len(fits), refusal)
	}
	for _, length := range []int64{web.MaxBody + 1, -1} {
		r := request(t, http.MethodPost, "/", fits+" ")
		r.ContentLength = length
		w := do(echo[input](), r)
		if got := errorOf(t, w); got.Error != string(errs.BodyTooLarge) {
			t.Errorf("length %d: answered %+v", length, got)
		}
	}
}

func TestJSONReadsParameters(t *testing.T) {
	got, refusal := read(t, "/?client_id=a%20b+c&page=2&all=true&id=x&id=y&other[k]=v&other[%E4%B8%AD]=w&junk=%zz&;", "",
		"X-Device-Id", "device")
	if refusal.Error != "" {
		t.Fatalf("refused: %+v", refusal)
	}
	want := input{
		Client: "a b c", Page: 2, All: true, IDs: []string{"x", "y"},
		Other: map[string]string{"k": "v", "中": "w"}, Device: "device",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("In differs (-want +got):\n%s", diff)
	}
}

// ED-03: a parameter stands in one place, once, and has its type.
func TestJSONRefusesAmbiguousParameters(t *testing.T) {
	tests := []struct{ name, target, body, field string }{
		{"twice in the query", "/?page=1&page=1", "", "page"},
		{"in query and body", "/?client_id=a", `{"client_id":"b"}`, "client_id"},
		{"no number", "/?page=one", "", "page"},
		{"no boolean", "/?all=1", "", "all"},
		{"a bad escape", "/?client_id=%zz", "", "client_id"},
		{"a zero byte", "/?client_id=%00", "", "client_id"},
		{"not UTF-8", "/?client_id=%ff", "", "client_id"},
		{"a zero byte in a map", "/?other[a]=%00", "", "other"},
		{"a member twice", "/?other[a]=1&other[a]=2", "", "other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, refusal := read(t, tt.target, tt.body)
			if want := (answer{string(errs.BadRequest), tt.field}); refusal != want {
				t.Errorf("answered %+v, want %+v", refusal, want)
			}
		})
	}
	t.Run("a header twice", func(t *testing.T) {
		_, refusal := read(t, "/", "", "X-Device-Id", "a", "X-Device-Id", "b")
		if refusal.Error != string(errs.BadRequest) {
			t.Errorf("answered %+v", refusal)
		}
	})
	t.Run("the same in query and body is one value", func(t *testing.T) {
		if got, refusal := read(t, "/?client_id=a", `{"client_id":"a"}`); got.Client != "a" || refusal.Error != "" {
			t.Errorf("read %q, answered %+v", got.Client, refusal)
		}
	})
	t.Run("a list in brackets is another name", func(t *testing.T) {
		if got, refusal := read(t, "/?client_id[]=a", ""); got.Client != "" || refusal.Error != "" {
			t.Errorf("read %q, answered %+v", got.Client, refusal)
		}
	})
}

type embedded struct {
	profile

	Path string          `path:"id"`
	Body json.RawMessage `json:"-" body:"raw"`
}

func TestJSONReadsPathsAndTheWholeBody(t *testing.T) {
	mux := http.NewServeMux()
	var got embedded
	mux.Handle("POST /users/{id}", web.JSON(plain{}, func(_ context.Context, in embedded) (struct{}, error) {
		got = in
		return struct{}{}, nil
	}))
	do(mux, request(t, http.MethodPost, "/users/7", `{"city": "x"}`))
	want := embedded{profile: profile{City: "x"}, Path: "7", Body: json.RawMessage(`{"city": "x"}`)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

type checked struct {
	Name string `json:"name"`
}

func (c checked) Validate() error {
	if c.Name == "" {
		return errs.New(errs.FieldMissing, "field", "name")
	}
	return nil
}

func TestJSONValidates(t *testing.T) {
	w := do(echo[checked](), request(t, http.MethodPost, "/", "{}"))
	if got := errorOf(t, w); got != (answer{string(errs.FieldMissing), "name"}) {
		t.Errorf("answered %+v", got)
	}
	if w := do(echo[checked](), request(t, http.MethodPost, "/", `{"name":"x"}`)); w.Code != http.StatusOK {
		t.Errorf("answered %d", w.Code)
	}
}

type endless struct {
	Next *endless `json:"next"`
}

func TestJSONAnswersUnexpectedForAnInputItCannotFill(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"no struct":        echo[string](),
		"a recursive type": echo[endless](),
		"a list in a path": echo[struct {
			A []string `path:"a"`
		}](),
		"a number as text": echo[struct {
			A int `json:"a,string"`
		}](),
		"a raw body string": echo[struct {
			A string `body:"raw"`
		}](),
	} {
		t.Run(name, func(t *testing.T) {
			if got := errorOf(t, do(h, request(t, http.MethodPost, "/", "{}"))); got.Error != string(errs.Unexpected) {
				t.Errorf("answered %+v", got)
			}
		})
	}
}

func TestJSONWritesTheAnswer(t *testing.T) {
	h := web.JSON(plain{}, func(context.Context, struct{}) (map[string]string, error) {
		return map[string]string{"url": "https://a/?b&c", "text": "中<"}, nil
	})
	w := do(h, request(t, http.MethodGet, "/", ""))
	if got, want := w.Body.String(), `{"text":"中<","url":"https://a/?b&c"}`; got != want {
		t.Errorf("body %s, want %s", got, want)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestJSONAnswersErrorsThroughTheProtocol(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want errs.Code
	}{
		{"a refusal", errs.New(errs.PasswordWrong), errs.PasswordWrong},
		{"any other error shows nothing", errors.New("SELECT * FROM users"), errs.Unexpected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := web.JSON(plain{}, func(context.Context, struct{}) (struct{}, error) { return struct{}{}, tt.err })
			w := do(h, request(t, http.MethodGet, "/", ""))
			if got := errorOf(t, w); got.Error != string(tt.want) {
				t.Errorf("answered %+v, want %s", got, tt.want)
			}
			if strings.Contains(w.Body.String(), "SELECT") {
				t.Errorf("the answer shows the cause: %s", w.Body)
			}
		})
	}
	t.Run("an answer that cannot be encoded", func(t *testing.T) {
		h := web.JSON(plain{}, func(context.Context, struct{}) (any, error) { return func() {}, nil })
		if got := errorOf(t, do(h, request(t, http.MethodGet, "/", ""))); got.Error != string(errs.Unexpected) {
			t.Errorf("answered %+v", got)
		}
	})
	t.Run("a throttled caller is told when to come again", func(t *testing.T) {
		h := web.JSON(plain{}, func(context.Context, struct{}) (struct{}, error) {
			return struct{}{}, errs.New(errs.TooManyRequests).After(1500 * time.Millisecond)
		})
		if got := do(h, request(t, http.MethodGet, "/", "")).Header().Get("Retry-After"); got != "2" {
			t.Errorf("Retry-After: %q, want 2", got)
		}
	})
}

func TestNotFoundTellsAWrongMethodFromAWrongPath(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("GET /api/me", echo[struct{}]())
	mux.Handle("PATCH /api/me", echo[struct{}]())
	mux.Handle("/api/", web.NotFound(plain{}, mux))
	for _, tt := range []struct {
		method, path, allow string
		want                errs.Code
	}{
		{http.MethodGet, "/api/nobody", "", errs.RouteNotFound},
		{http.MethodPost, "/api/me", "GET, PATCH", errs.MethodRefused},
	} {
		w := do(mux, request(t, tt.method, tt.path, ""))
		if got := errorOf(t, w); got.Error != string(tt.want) {
			t.Errorf("%s %s: answered %+v, want %s", tt.method, tt.path, got, tt.want)
		}
		if got := w.Header().Get("Allow"); got != tt.allow {
			t.Errorf("%s %s: Allow: %q, want %q", tt.method, tt.path, got, tt.allow)
		}
	}
}

// FuzzJSON holds the decoder to encoding/json: what ours accepts, that one accepts too
// and reads the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"name":"x","age":1,"tags":["a"],"profile":{"city":"y"},"custom":{"a":[1,null]}}`,
		`{"name":"\ud83d\ude00\u4e2d","raw":[{}],"nick":null}`, `{"name":"a","name":"b"}`, `{"x":-0.1e+9}`, `[`, `{"a":[[[`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		type part struct {
			Name    string         `json:"name"`
			Age     int            `json:"age"`
			Tags    []string       `json:"tags"`
			Profile profile        `json:"profile"`
			Custom  map[string]any `json:"custom"`
		}
		var got part
		h := web.JSON(plain{}, func(_ context.Context, in part) (struct{}, error) {
			got = in
			return struct{}{}, nil
		})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(t, http.MethodPost, "/", body))
		if w.Code != http.StatusOK || strings.TrimSpace(body) == "" {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatalf("accepted what is no JSON: %v", err)
		}
		for name := range members { // encoding/json would take another case for the same name
			switch name {
			case "name", "age", "tags", "profile", "custom":
			default:
				delete(members, name)
			}
		}
		if p, ok := members["profile"]; ok && strings.Contains(strings.ToLower(string(p)), "c") {
			delete(members, "profile")
			got.Profile = profile{}
		}
		only, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		var want part
		if err := json.Unmarshal(only, &want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("read differently from encoding/json (-theirs +ours):\n%s", diff)
		}
	})
}
