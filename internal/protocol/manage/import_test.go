package manage_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/operator"
	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
)

// caller asks one server as one administrator.
type caller struct {
	t   *testing.T
	h   http.Handler
	who operator.Principal
}

// eachEngine runs fn with the owner of a development server on each engine, which has a
// second pool named other.
func eachEngine(t *testing.T, fn func(t *testing.T, c caller)) {
	t.Helper()
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			conf := config.Default()
			conf.DataDir, conf.PublicURL, conf.DatabaseURL = t.TempDir(), "http://127.0.0.1:9009", dbtest.URL(t, engine)
			a, err := app.OpenDev(t.Context(), app.DevOptions{Config: conf, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := a.Close(); err != nil {
					t.Error(err)
				}
			})
			c := caller{t: t, h: a.Handler(), who: operator.Principal{
				Kind: operator.KindOperator, ID: "1", Name: "owner", Role: operator.Owner, MFA: true, SudoUntil: far,
			}}
			if w := c.send(http.MethodPost, "/pools", "application/json", `{"id":"other"}`); w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			fn(t, c)
		})
	}
}

// send does one request; header holds name, value pairs.
func (c caller) send(method, path, media, body string, header ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequest(method, protocol.Prefix+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", media)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r.WithContext(protocol.WithPrincipal(r.Context(), c.who)))
	return w
}

// imported sends a file and returns what became of it.
func (c caller) imported(pool, media, body string, header ...string) (out api.Imported) {
	c.t.Helper()
	w := c.send(http.MethodPost, "/pools/"+pool+"/import", media, body, header...)
	if w.Code != http.StatusOK {
		c.t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		c.t.Fatal(err)
	}
	return out
}

// exported is the file of a pool.
func (c caller) exported(pool, query string) string {
	c.t.Helper()
	w := c.send(http.MethodGet, "/pools/"+pool+"/export/file?"+query, "", "")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment; filename="+pool+".") {
		c.t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	return w.Body.String()
}

// part is rows n to n+1000 as an import takes them.
func part(n int) string {
	rows := make([]map[string]any, 1000)
	for i := range rows {
		rows[i] = map[string]any{
			"username": fmt.Sprintf("guest-%05d", n+i), "phone": fmt.Sprintf("+86139%08d", n+i), "phone_verified": true,
			"password_hash": "$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1", "name": "Guest",
		}
	}
	text, err := json.Marshal(map[string]any{"rows": rows})
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// A script that brings people in by parts, and sends one again because it heard no
// answer, has everybody once. What leaves one pool comes into another as it was.
func TestTenThousandPeopleComeInPartsAndMoveOn(t *testing.T) {
	eachEngine(t, func(t *testing.T, c caller) {
		const all = 10_000
		for n := 0; n < all; n += 1000 {
			key := fmt.Sprintf("part-%d", n)
			if out := c.imported(app.DevPool, "application/json", part(n), "Idempotency-Key", key); out.Created != 1000 || len(out.Problems) != 0 {
				t.Fatalf("part %d: %+v", n, out)
			}
			if n != 4000 {
				continue
			}
			again := c.send(http.MethodPost, "/pools/"+app.DevPool+"/import", "application/json", part(n), "Idempotency-Key", key)
			if again.Header().Get("Idempotent-Replayed") != "true" || !strings.Contains(again.Body.String(), `"created":1000`) {
				t.Errorf("%d %v %s", again.Code, again.Header(), again.Body)
			}
			if w := c.send(http.MethodPost, "/pools/"+app.DevPool+"/import", "application/json", part(n+1000), "Idempotency-Key", key); w.Code != http.StatusBadRequest {
				t.Errorf("the key of another part: %d %s", w.Code, w.Body)
			}
		}
		was := people(t, c.exported(app.DevPool, "full=true&hashes=true"))
		if len(was) != all {
			t.Fatalf("%d people", len(was))
		}
		if left := c.exported("other", "full=true"); left != "" {
			t.Errorf("the other tenant has %.200s", left)
		}
		table := nameless(t, c.exported(app.DevPool, "full=true&hashes=true&format=csv"))
		if out := c.imported("other", "text/csv", table); out.Created != all {
			t.Fatalf("%d of %d were made, first problem %+v", out.Created, out.Rows, out.Problems[0])
		}
		if diff := cmp.Diff(was, people(t, c.exported("other", "full=true&hashes=true"))); diff != "" {
			t.Error(diff)
		}
	})
}

var idOf = regexp.MustCompile(`"id":"[^"]*",`)

// people are the lines of an export without their ids, which no two people of a server
// share, in an order of their own.
func people(t *testing.T, text string) []string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(idOf.ReplaceAllString(text, "")), "\n")
	slices.Sort(lines)
	return lines
}

// nameless is a table without its first column, the ids.
func nameless(t *testing.T, table string) string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	for _, row := range rows {
		if err := w.Write(row[1:]); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	return b.String()
}

// A spreadsheet must compute nothing that somebody typed as a name (SEC: CSV injection).
func TestATableComputesNothing(t *testing.T) {
	names := []string{`=HYPERLINK("http://evil.example","x")`, "+1+1", "-2", "@SUM(A1)", "\t=1", "plain", "'quoted"}
	eachEngine(t, func(t *testing.T, c caller) {
		var lines strings.Builder
		for i, name := range names {
			line, err := json.Marshal(map[string]any{"id": fmt.Sprintf("p%d", i), "username": fmt.Sprintf("person-%d", i), "name": name})
			if err != nil {
				t.Fatal(err)
			}
			lines.Write(append(line, '\n'))
		}
		if out := c.imported(app.DevPool, "application/x-ndjson", lines.String()); int(out.Created) != len(names) {
			t.Fatalf("%+v", out)
		}
		table := c.exported(app.DevPool, "format=csv&full=true")
		r := csv.NewReader(strings.NewReader(table))
		for {
			row, err := r.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					t.Errorf("a cell begins with %q", cell)
				}
			}
		}
		if out := c.imported("other", "text/csv", nameless(t, table)); int(out.Created) != len(names) {
			t.Fatalf("%+v", out)
		}
		if diff := cmp.Diff(people(t, c.exported(app.DevPool, "full=true")), people(t, c.exported("other", "full=true"))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnImportSaysWhatItLeftOut(t *testing.T) {
	eachEngine(t, func(t *testing.T, c caller) {
		const file = "username,phone\nfirst,13800138001\nbad,12\nfirst,13800138002\n"
		want := []api.ImportProblem{
			{Line: 3, Result: "refused", Reason: "phone_invalid", Field: "phone"},
			{Line: 4, Result: "skipped", Reason: "username_taken"},
		}
		for _, query := range []string{"?dry_run=true", ""} {
			w := c.send(http.MethodPost, "/pools/"+app.DevPool+"/import"+query, "text/csv; charset=utf-8", file)
			var out api.Imported
			if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if out.Created != 1 || out.DryRun != (query != "") {
				t.Errorf("%+v", out)
			}
			for i, v := range out.Problems {
				if i < len(want) && (v.Line != want[i].Line || v.Result != want[i].Result || v.Reason != want[i].Reason) {
					t.Errorf("%+v, not %+v", v, want[i])
				}
			}
			if len(out.Problems) != len(want) {
				t.Errorf("%+v", out.Problems)
			}
		}
		for name, body := range map[string]string{
			"nothing": `{}`, "both": `{"data":"username\nx","rows":[{"username":"y"}]}`, "no object": `{"rows":[1],"on_conflict":"ask"}`,
		} {
			if w := c.send(http.MethodPost, "/pools/"+app.DevPool+"/import", "application/json", body); w.Code != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		if w := c.send(http.MethodPost, "/pools/"+app.DevPool+"/import", "text/csv", strings.Repeat("x", protocol.MaxImport+1)); w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// The administrator of one pool learns nothing of another by any of these, and nobody
// without an account is listened to.
func TestFilesStayInTheirPool(t *testing.T) {
	eachEngine(t, func(t *testing.T, c caller) {
		c.imported("other", "text/csv", "id,username\ntheirs,secretperson\n")
		confined := c
		confined.who.Pools = []string{app.DevPool}
		for _, ask := range []struct{ method, path string }{
			{http.MethodPost, "/pools/other/import"},
			{http.MethodGet, "/pools/other/export"},
			{http.MethodGet, "/pools/other/export/file"},
			{http.MethodGet, "/pools/other/users/theirs/export"},
			{http.MethodGet, "/pools/" + app.DevPool + "/users/theirs/export"},
		} {
			body := ""
			if ask.method == http.MethodPost {
				body = `{"data":"username\nmine\n"}`
			}
			if w := confined.send(ask.method, ask.path, "application/json", body); w.Code != http.StatusNotFound || bytes.Contains(w.Body.Bytes(), []byte("secretperson")) {
				t.Errorf("%s %s: %d %s", ask.method, ask.path, w.Code, w.Body)
			}
		}
		if got := confined.exported(app.DevPool, "full=true"); strings.Contains(got, "secretperson") {
			t.Errorf("%s", got)
		}
		r := httptest.NewRequest(http.MethodPost, protocol.Prefix+"/pools/other/import", strings.NewReader("username\nx\n"))
		r.Header.Set("Content-Type", "text/csv")
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
