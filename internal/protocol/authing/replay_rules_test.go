package authing_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/testkit"
)

// checkAnswer holds an answer against the rules every client depends on: status 200, a
// JSON object with a whole number as code and a message, and whole users with tokens.
func checkAnswer(w *world, r recorded, a testkit.Answer) {
	w.Helper()
	kind := a.Header.Get("Content-Type")
	switch {
	case strings.HasSuffix(r.Path, "/security/captcha"):
		if a.Status != http.StatusOK || !strings.HasPrefix(kind, "image/") {
			w.Errorf("no picture: %d %s", a.Status, kind)
		}
		return
	case !strings.HasPrefix(kind, "application/json"):
		w.Fatalf("%d %s %s", a.Status, kind, a.Raw)
	case strings.HasPrefix(r.Path, "/oidc/"):
		checkOpenID(w, r, a)
	case a.Status != http.StatusOK:
		w.Fatalf("%d %s", a.Status, a.Raw)
	case r.Path == "/graphql/v2":
		checkGraphQL(w, r, a)
	case r.Code == nil:
		checkBare(w, r, a)
	default:
		checkEnvelope(w, *r.Code, a.Body, a.Raw)
		for _, u := range usersIn(a.Body["data"]) {
			checkUser(w, u, a.Raw)
			if !strings.Contains(r.Headers["x-authing-request-from"], "sdk") && !isToken(u["token"]) {
				w.Errorf("a user without a token ends the session of the app: %s", a.Raw)
			}
		}
	}
	if strings.HasSuffix(r.Path, "/public-config") {
		checkConfig(w, a)
	}
}

// checkOpenID: its endpoints speak HTTP, and errors have a word.
func checkOpenID(w *world, r recorded, a testkit.Answer) {
	w.Helper()
	if a.Status != r.Status || (a.Status != http.StatusOK && a.String("error") == "") {
		w.Errorf("%d %s, want %d", a.Status, a.Raw, r.Status)
	}
	if r.Path != "/oidc/token" || a.Status != http.StatusOK {
		return
	}
	if !isToken(a.Body["access_token"]) || a.String("token_type") != "Bearer" {
		w.Errorf("%s", a.Raw)
	}
	if _, ok := a.Body["expires_in"].(float64); !ok {
		w.Errorf("no expiry: %s", a.Raw)
	}
}

// checkGraphQL: the value stands under the root field, and an error's message is an object.
func checkGraphQL(w *world, r recorded, a testkit.Answer) {
	w.Helper()
	code := 200
	if r.Code != nil {
		code = *r.Code
	}
	if code != 200 {
		message, ok := at(a.Body, "errors.0.message").(map[string]any)
		if !ok || a.Body["data"] != nil {
			w.Fatalf("%s, want %d", a.Raw, code)
		}
		checkEnvelope(w, code, message, a.Raw)
		return
	}
	q, _ := at(r.Body, "query").(string)
	_, inner, _ := strings.Cut(q, "{")
	root := strings.TrimSpace(inner)
	root = root[:strings.IndexFunc(root, func(c rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", c)
	})]
	value := at(a.Body, "data."+root)
	if value == nil || a.Body["errors"] != nil {
		w.Fatalf("no %s: %s", root, a.Raw)
	}
	for _, u := range usersIn(value) {
		checkUser(w, u, a.Raw)
	}
}

func checkEnvelope(w *world, code int, e map[string]any, raw []byte) {
	w.Helper()
	number, ok := e["code"].(float64)
	if !ok || int(number) != code || float64(code) != number {
		w.Fatalf("code %v, want %d: %s", e["code"], code, raw)
	}
	if message, ok := e["message"].(string); !ok || message == "" {
		w.Errorf("no message: %s", raw)
	}
}

// checkBare is for what the clients read without an envelope.
func checkBare(w *world, r recorded, a testkit.Answer) {
	w.Helper()
	switch r.Path {
	case "/api/v2/udvs/get":
		var values []struct {
			Key      string `json:"key"`
			DataType string `json:"dataType"`
			Value    any    `json:"value"`
		}
		if err := json.Unmarshal(a.Raw, &values); err != nil {
			w.Errorf("no list: %s", a.Raw)
		}
		for _, v := range values {
			if v.Key == "" || v.DataType == "" || v.Value == nil {
				w.Errorf("%s", a.Raw)
			}
		}
	case "/api/v2/users/resource/authorized":
		if _, ok := at(a.Body, "data.list").([]any); !ok {
			w.Errorf("no list: %s", a.Raw)
		}
	default:
		if a.Body == nil {
			w.Errorf("no object: %s", a.Raw)
		}
		if _, enveloped := a.Body["code"]; enveloped {
			checkEnvelope(w, int(a.Body["code"].(float64)), a.Body, a.Raw) //nolint:forcetypeassert // checked next
		}
	}
}

// usersIn finds the users of an answer.
func usersIn(v any) []map[string]any {
	var all []map[string]any
	switch v := v.(type) {
	case map[string]any:
		_, one := v["userPoolId"]
		if _, signedIn := v["loginsCount"]; one && signedIn {
			all = append(all, v)
		}
		for _, inner := range v {
			all = append(all, usersIn(inner)...)
		}
	case []any:
		for _, inner := range v {
			all = append(all, usersIn(inner)...)
		}
	}
	return all
}

// texts are the fields of a user that are text or null, and are there even then: a client
// that merges would go on showing what is gone.
const texts = "username email phone phoneCountryCode unionid openid nickname photo oauth token tokenExpiredAt lastLogin lastIP " +
	"device browser company name givenName familyName middleName profile preferredUsername website birthdate zoneinfo locale " +
	"address formatted streetAddress locality region postalCode city province country externalId"

// checkUser: what a client takes for text, a number or a list is one, and never null.
func checkUser(w *world, u map[string]any, raw []byte) {
	w.Helper()
	for name := range strings.FieldsSeq(texts) {
		v, there := u[name]
		text, isText := v.(string)
		if !there || (v != nil && (!isText || text == "")) {
			w.Errorf("%s is %v (there: %v): %s", name, v, there, raw)
		}
	}
	for name, want := range map[string]string{
		"id": "string", "arn": "string", "userPoolId": "string", "status": "string", "gender": "string",
		"createdAt": "string", "updatedAt": "string", "signedUp": "string", "emailVerified": "boolean", "phoneVerified": "boolean",
		"blocked": "boolean", "isDeleted": "boolean", "loginsCount": "number", "identities": "list", "registerSource": "list",
	} {
		if kind := kindOf(u[name]); kind != want {
			w.Errorf("%s is a %s, want a %s: %s", name, kind, want, raw)
		}
	}
	for _, name := range []string{"password", "salt"} {
		if u[name] != nil {
			w.Errorf("%s leaves the server", name)
		}
	}
}

// checkConfig: one null where Android expects something else and no later call works.
func checkConfig(w *world, a testkit.Answer) {
	w.Helper()
	data, _ := a.Body["data"].(map[string]any)
	if data["requestHostname"] != strings.TrimPrefix(w.s.URL, "http://") {
		w.Errorf("requestHostname is %v", data["requestHostname"])
	}
	if key, _ := data["publicKey"].(string); key == "" || strings.ContainsAny(key, "-\n") {
		w.Errorf("publicKey is %q", key)
	}
	for name, want := range map[string]string{
		"verifyCodeLength": "number", "passwordStrength": "number", "loginTabs": "object", "registerTabs": "object",
		"passwordTabConfig": "object", "verifyCodeTabConfig": "object", "ecConnections": "list", "agreements": "list",
		"extendsFields": "list", "redirectUris": "list", "identifier": "string", "userPoolId": "string", "id": "string",
	} {
		if kind := kindOf(data[name]); kind != want {
			w.Errorf("%s is a %s, want a %s", name, kind, want)
		}
	}
	for name, v := range data {
		if v == nil && !slices.Contains([]string{"logo", "userpoolLogo"}, name) {
			w.Errorf("%s is null", name)
		}
	}
}

func isToken(v any) bool {
	s, _ := v.(string)
	return strings.Count(s, ".") == 2
}
