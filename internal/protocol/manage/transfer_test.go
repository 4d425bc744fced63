package manage_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/operator"
	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
)

// keeping is a development server that keeps its backups, with its owner.
func keeping(t *testing.T, dir string) func(method, path string, body, out any) (status int, text string) {
	t.Helper()
	conf := config.Default()
	conf.DataDir, conf.PublicURL = t.TempDir(), "http://127.0.0.1:9009"
	conf.Backup.Dir, conf.Backup.Keep = dir, 1
	a, err := app.OpenDev(t.Context(), app.DevOptions{Config: conf, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	owner := operator.Principal{Kind: operator.KindOperator, ID: "1", Name: "owner", Role: operator.Owner, MFA: true, SudoUntil: far}
	return func(method, path string, body, out any) (int, string) {
		t.Helper()
		text := ""
		if body != nil {
			b, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		r := httptest.NewRequest(method, protocol.Prefix+path, strings.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r.WithContext(protocol.WithPrincipal(r.Context(), owner)))
		if out != nil && w.Code == http.StatusOK {
			if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
				t.Fatalf("%s: %v", w.Body, err)
			}
		}
		return w.Code, w.Body.String()
	}
}

func TestPeopleComeAndGo(t *testing.T) {
	do := keeping(t, "")
	pool := "/pools/" + app.DevPool
	var text strings.Builder
	text.WriteString("username,password_hash\n")
	for i := range 130 {
		fmt.Fprintf(&text, "guest-%d,$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1\n", i)
	}
	text.WriteString("broken,plain\n")
	var dry, made api.Imported
	if status, answer := do(http.MethodPost, pool+"/import", map[string]any{"data": text.String(), "dry_run": true}, &dry); status != http.StatusOK || dry.Created != 130 {
		t.Fatalf("%d %s", status, answer)
	}
	if _, answer := do(http.MethodPost, pool+"/import", map[string]any{"data": text.String()}, &made); made.Created != 130 || made.Refused != 1 || made.Problems[0].Line != 132 {
		t.Errorf("%s", answer)
	}
	if status, answer := do(http.MethodPost, pool+"/import", map[string]any{"data": text.String(), "on_conflict": "fail"}, nil); status != http.StatusConflict && status != http.StatusBadRequest {
		t.Errorf("%d %s", status, answer)
	}
	seen := map[string]bool{}
	var id string
	for cursor, more := "", true; more; {
		var page api.List[api.ExportedUser]
		if status, answer := do(http.MethodGet, pool+"/export?limit=50&hashes=true&cursor="+cursor, nil, &page); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		for _, u := range page.Items {
			if strings.Contains(string(u.Record), `"guest-`) {
				if seen[u.ID] || !strings.Contains(string(u.Record), `"$1$saltstri$`) {
					t.Errorf("%s", u.Record)
				}
				seen[u.ID], id = true, u.ID
			}
		}
		cursor, more = page.NextCursor, page.NextCursor != ""
	}
	if len(seen) != 130 {
		t.Errorf("%d people were exported", len(seen))
	}
	var person api.PersonExport
	if status, answer := do(http.MethodGet, pool+"/users/"+id+"/export", nil, &person); status != http.StatusOK || !strings.Contains(string(person.Document), `"has_password"`) || strings.Contains(answer, "$1$") {
		t.Errorf("%d %s", status, answer)
	}
}

func TestBackupsAreKept(t *testing.T) {
	do := keeping(t, filepath.Join(t.TempDir(), "backups"))
	var list api.List[api.Backup]
	if status, answer := do(http.MethodGet, "/backups", nil, &list); status != http.StatusOK || len(list.Items) != 0 {
		t.Errorf("%d %s", status, answer)
	}
	var made, read api.Backup
	if status, answer := do(http.MethodPost, "/backups", nil, &made); status != http.StatusOK || made.Rows == 0 || made.State != "whole" {
		t.Fatalf("%d %s", status, answer)
	}
	if status, answer := do(http.MethodPost, "/backups/"+made.File+"/check", nil, &read); status != http.StatusOK || read.Rows != made.Rows || read.State != "whole" {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := do(http.MethodGet, "/backups", nil, &list); status != http.StatusOK || len(list.Items) != 1 || list.Items[0].File != made.File || list.Items[0].Bytes != made.Bytes {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := do(http.MethodGet, "/backups/"+made.File+"/download", nil, nil); status != http.StatusOK || int64(len(answer)) != made.Bytes {
		t.Errorf("%d, %d of %d bytes", status, len(answer), made.Bytes)
	}
	for _, none := range []string{"tigertally-20200101T000000Z.backup", "master.key", "..%2Fmaster.key"} {
		for method, path := range map[string]string{http.MethodPost: "/check", http.MethodGet: "/download", http.MethodDelete: ""} {
			if status, answer := do(method, "/backups/"+none+path, nil, nil); status != http.StatusNotFound {
				t.Errorf("%s %s: %d %s", method, none, status, answer)
			}
		}
	}
	if status, answer := do(http.MethodDelete, "/backups/"+made.File, nil, nil); status != http.StatusNoContent {
		t.Errorf("%d %s", status, answer)
	}
	if _, answer := do(http.MethodGet, "/backups", nil, &list); len(list.Items) != 0 {
		t.Errorf("%s", answer)
	}
}

func TestAScheduleIsBounded(t *testing.T) {
	do := keeping(t, "")
	var s api.BackupSchedule
	if status, answer := do(http.MethodGet, "/backups/schedule", nil, &s); status != http.StatusOK || s.Hours != 0 || s.Sealed != "master_key" {
		t.Fatalf("%d %s", status, answer)
	}
	for _, bad := range []map[string]any{{"hours": -1}, {"keep": 0}, {"hours": 100_000}, {"keep": 5000}} {
		if status, answer := do(http.MethodPatch, "/backups/schedule", bad, nil); status != http.StatusBadRequest {
			t.Errorf("%v: %d %s", bad, status, answer)
		}
	}
	if status, answer := do(http.MethodPatch, "/backups/schedule", map[string]any{"hours": 24}, &s); status != http.StatusOK || s.Hours != 24 || s.Keep == 0 {
		t.Errorf("%d %s", status, answer)
	}
	if _, answer := do(http.MethodGet, "/backups/schedule", nil, &s); s.Hours != 24 {
		t.Errorf("%s", answer)
	}
}
