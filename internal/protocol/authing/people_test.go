package authing_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/testkit"
)

// SCENARIOS X: profile and custom data.
func TestProfile(t *testing.T) {
	each(t, func(w *world) {
		ann := w.ann()
		w.run("X1 profile", func(w *world) {
			w.postAs(ann.token, "/api/v2/users/profile/update", body{
				"nickname": "N", "gender": "F", "company": "Acme", "birthdate": "2000-01-02", "photo": "https://example.com/p.png",
				"address": "1 Road", "locale": "zh-CN", "name": nil, "unheard": "of",
			}).has(body{
				"nickname": "N", "gender": "F", "company": "Acme", "birthdate": "2000-01-02",
				"photo": "https://example.com/p.png", "address": "1 Road", "name": nil,
			}).user()
			w.postAs(ann.token, "/api/v2/users/profile/update", body{"nickname": "", "gender": "M"}).has(body{"nickname": nil, "gender": "M"})
			w.postAs(ann.token, "/api/v2/users/profile/update", body{"nickname": 7}).want(2231)
			w.byName("bob")
			w.postAs(ann.token, "/api/v2/users/profile/update", body{"username": "bob"}).want(2034)
		})
		w.run("X2 LK-08 mass assignment", func(w *world) {
			before := w.me(ann.token)
			after := w.postAs(ann.token, "/api/v2/users/profile/update", body{
				"email": "evil@example.com", "phone": "13800000070", "password": w.seal("evil-passw0rd"), "blocked": true,
				"emailVerified": true, "loginsCount": 0, "id": "other", "status": "Suspended", "externalId": "x",
			}).want(200)
			for _, name := range []string{"email", "phone", "blocked", "emailVerified", "loginsCount", "id", "status", "externalId"} {
				if diff := cmp.Diff(before.data(name), after.data(name)); diff != "" {
					w.Errorf("%s changed: %s", name, diff)
				}
			}
			w.login("ann@example.com", "passw0rd").user()
		})
		w.run("X3 custom data", func(w *world) {
			if err := w.s.App.DefineField(w.Context(), poolID, field.Field{Key: "school", DataType: field.String, Label: "School"}); err != nil {
				w.Fatal(err)
			}
			w.postAs(ann.token, "/api/v2/udfs/values", body{"udfs": []body{{"definition": "school", "value": "hust"}}}).want(200)
			w.postAs(ann.token, "/api/v2/udfs/values", body{"udfs": []body{{"definition": "nothing", "value": 1}}}).want(400)
			got := w.postAs(ann.token, "/api/v2/udvs/get", body{"targetType": "USER", "targetId": ann.id})
			if want := `[{"key":"school","value":"hust","dataType":"STRING","label":"School"}]`; string(got.Raw) != want {
				w.Errorf("udvs/get: %s", got.Raw)
			}
		})
		w.run("X4 somebody else's data", func(w *world) {
			bob := w.login("bob", "passw0rd").user()
			w.postAs(ann.token, "/api/v2/udvs/get", body{"targetType": "USER", "targetId": bob.id}).want(1001)
			w.postAs("", "/api/v2/udvs/get", body{"targetType": "USER", "targetId": bob.id}).want(2020)
		})
	})
}

// The further calls of PROTOCOL 11 and 12.
func TestFurtherCalls(t *testing.T) {
	each(t, func(w *world) {
		ann := w.byMailCode("ann+tag@example.com")
		read := func(path string) answer { return w.as(ann.token, http.MethodGet, path, nil).want(200) }
		for path, want := range map[string]string{
			"/api/v2/users/me/orgs":                    `[]`,
			"/api/v2/users/" + ann.id + "/orgs":        `[]`,
			"/api/v2/users/me/roles?namespace=default": `[]`,
			"/api/v2/users/me/security-level":          `{"email":true,"mfa":false,"password":false,"passwordSecurityLevel":0,"phone":false,"score":25}`,
		} {
			raw, err := json.Marshal(read(path).Body["data"])
			if err != nil || string(raw) != want {
				w.Errorf("%s: %s, %v", path, raw, err)
			}
		}
		apps := read("/api/v2/users/me/applications/allowed?page=1&limit=10")
		if list, _ := apps.data("list").([]any); len(list) != 2 || apps.data("totalCount") != 2.0 {
			w.Errorf("applications: %s", apps.Raw)
		}
		w.postAs(ann.token, "/api/v2/users/resource/authorized", body{"namespace": "default"}).want(200).has(body{"totalCount": 0})
		for query, want := range map[string]bool{
			"email=ann+tag@example.com": true, "email=ann%2Btag@example.com": true, "email=no@example.com": false,
			"username=nobody": false, "phone=13800000080": false,
		} {
			if got := w.do(http.MethodGet, "/api/v2/users/is-user-exists?"+query, nil).want(200).Body["data"]; got != want {
				w.Errorf("%s: %v", query, got)
			}
		}
		w.do(http.MethodGet, "/api/v2/users/is-user-exists", nil).want(2231)
		w.post("/api/v2/feedback", body{"appId": appID, "phone": "13800000080", "type": 1, "description": "好 " + strings.Repeat("x", 9000), "images": []string{"https://a/b.png"}}).want(200)
		w.as(ann.token, http.MethodDelete, "/api/v2/users/delete", nil).want(200)
		w.me(ann.token).want(2020)
	})
}

// PROTOCOL 12.4: an upload names neither a person nor an application.
func TestUpload(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		w := newWorld(t, s)
		var picture bytes.Buffer
		if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
			t.Fatal(err)
		}
		a := w.upload("file", picture.Bytes()).want(200)
		url := a.text("url")
		if !strings.HasPrefix(url, s.URL+"/media/") {
			t.Fatalf("url is %q", url)
		}
		shown := s.Do(http.MethodGet, strings.TrimPrefix(url, s.URL), nil)
		h := shown.Header
		if shown.Status != 200 || h.Get("Content-Type") != "image/png" || h.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(h.Get("Cache-Control"), "immutable") || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("picture: %d %v", shown.Status, h)
		}
		w.upload("file", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")).want(422)
		w.upload("file", []byte("<html>")).want(422)
		w.upload("other", picture.Bytes()).want(422)
		w.upload("file", append(picture.Bytes(), make([]byte, 6<<20)...)).want(422)
		w.post("/api/v2/upload", body{}).want(422)
		s.Do(http.MethodPut, "/emulator/v1/settings", body{"limits": true})
		for range 30 {
			w.upload("file", picture.Bytes()).want(200)
		}
		w.upload("file", picture.Bytes()).want(2080)
	})
}

func (w *world) upload(part string, content []byte) answer {
	w.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	f, err := m.CreateFormFile(part, "personal.png")
	if err == nil {
		_, err = f.Write(content)
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		w.Fatal(err)
	}
	return w.raw(http.MethodPost, "/api/v2/upload?folder=photos", form.String(), "Content-Type", m.FormDataContentType())
}
